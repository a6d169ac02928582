"""What must be there before the platform can start; every step does nothing when it is there already."""
