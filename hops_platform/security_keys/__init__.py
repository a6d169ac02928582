"""Security keys (WebAuthn) as a second factor."""
