"""API keys: proofs of identity for programs, named, limited to scopes, and with an end."""
