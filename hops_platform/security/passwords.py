"""Passwords: argon2id, checked at a bounded rate so that log-ins eat neither the machine's memory nor all threads."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from hops_platform.errors import BusyError

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 200

_HASHER = PasswordHasher()
# One check takes 64 MiB for its duration.
_AT_ONCE = threading.BoundedSemaphore(4)
# Anybody may ask for a check. Whoever waits for one holds one of the 40 threads that serve all requests.
_WAITING = threading.BoundedSemaphore(16)


def hash_password(password: str) -> str:
    """The argon2id hash of ``password``, with its salt and parameters.

    Raises:
        BusyError: Too many wait for theirs.
    """
    with _turn():
        return _HASHER.hash(_bytes(password))


def password_matches(password: str, password_hash: str | None) -> bool:
    """Whether ``password`` belongs to the hash. Takes as long for an unknown user (``None``) as for a known one.

    Raises:
        BusyError: Too many wait for theirs.
    """
    with _turn():
        try:
            matches = _HASHER.verify(password_hash or _hash_of_nobody(), _bytes(password))
        except (Argon2Error, InvalidHashError):
            return False
    return matches and password_hash is not None


def generate_password() -> str:
    """A random password of 120 bits."""
    return secrets.token_urlsafe(15)


@contextmanager
def _turn() -> Iterator[None]:
    if not _WAITING.acquire(blocking=False):
        raise BusyError("Too many people log in at this moment.", remedy="Try again in a moment.", retry_after_s=2)
    try:
        with _AT_ONCE:
            yield
    finally:
        _WAITING.release()


def _bytes(password: str) -> bytes:
    # JSON can carry halves of surrogate pairs; they are as good as any other character, and no reason to fail.
    return password.encode("utf-8", "surrogatepass")


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
