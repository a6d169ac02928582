"""What runs in a project's environment: nothing here is imported by the service, and nothing of the service is imported here."""
