"""Making keys, telling them from tokens, and what is stored of them."""

from __future__ import annotations

import hashlib
import secrets

from hops_platform.api_keys.models import SHOWN_LENGTH

PREFIX = "hops_"
_RANDOM_BYTES = 32
KEY_LENGTH = len(PREFIX) + 43


def generate_key() -> str:
    """A new key: 256 random bits behind a prefix by which people, and programs that look for leaks, know it."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def is_key(text: str) -> bool:
    """Whether ``text`` claims to be a key; no token begins so."""
    return text.startswith(PREFIX)


def digest_of(key: str) -> str:
    """What is stored of a key: its SHA-256.

    A slow hash protects what people think up, of which a thief can try the likeliest. Of 256 random bits none is
    likelier than another, so it would only make each call slow. And since whoever asks with a made-up key can't choose
    the digest that is looked for, the time that the look-up takes tells nothing of those that are stored.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def shown_of(key: str) -> str:
    """The beginning of a key, by which its owner can tell it."""
    return key[:SHOWN_LENGTH]
