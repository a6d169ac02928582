"""Who did what to which thing, from where, and what came of it: rows that are added and never changed."""
