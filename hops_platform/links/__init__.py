"""Links that are good once: for a new password, an invitation, the proof of an address."""
