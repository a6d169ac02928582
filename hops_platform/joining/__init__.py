"""Finding projects, asking to join them, and finding people to add."""
