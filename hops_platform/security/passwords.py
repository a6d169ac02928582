"""Passwords: argon2id, checked at a bounded rate so that log-ins can't eat the machine's memory."""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 200

_HASHER = PasswordHasher()
# One check takes 64 MiB for its duration.
_AT_ONCE = threading.BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """The argon2id hash of ``password``, with its salt and parameters."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Whether ``password`` belongs to the hash. Takes as long for an unknown user (``None``) as for a known one."""
    with _AT_ONCE:
        try:
            matches = _HASHER.verify(password_hash or _hash_of_nobody(), password)
        except (Argon2Error, InvalidHashError):
            return False
    return matches and password_hash is not None


def generate_password() -> str:
    """A random password of 120 bits."""
    return secrets.token_urlsafe(15)


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
