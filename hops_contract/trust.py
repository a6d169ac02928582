"""Whom connections of this process trust, where nothing else is said."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def public_authorities() -> ssl.SSLContext:
    """Public authorities, as httpx brings them and nothing of the environment; read once, which takes a while."""
    return httpx.create_ssl_context(trust_env=False)
