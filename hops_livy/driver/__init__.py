"""What runs in a project's environment: the service imports nothing from here, and nothing here imports the service."""
