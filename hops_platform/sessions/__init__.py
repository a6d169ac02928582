"""Spark sessions as people look after them in a browser; the session service has them and decides who sees which."""
