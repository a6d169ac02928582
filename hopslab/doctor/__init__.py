"""Says what is installed, which engine answers, and what would be better and how."""
