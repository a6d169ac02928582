"""The processes of a site: started, watched and ended."""
