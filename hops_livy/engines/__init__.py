"""Ports of the session service: what a session needs of an engine, without any engine's types."""
