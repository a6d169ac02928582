"""Letters that the platform writes to people by electronic mail, and how they are sent."""
