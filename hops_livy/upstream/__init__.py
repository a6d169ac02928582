"""The backend for a site's own Apache Livy: sessions and batches run there, and are shown and owned here."""
