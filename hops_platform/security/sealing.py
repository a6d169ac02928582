"""Sealing of secrets that stand in the database, with a key that does not."""

from __future__ import annotations

import base64
import binascii
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hops_platform.security.tokens import ensure_secret, read_secret

SEALING_KEY = "sealing-key"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class SealingError(RuntimeError):
    """What was sealed can't be opened: it was changed, belongs elsewhere, or was sealed with another key."""


class Sealer:
    """Seals with AES-256-GCM.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plaintext: bytes, *, purpose: str) -> bytes:
        """``plaintext`` for nobody without the key; only :meth:`open` with the same ``purpose`` opens it.

        The purpose names the row that it stands in, so that nothing that was sealed for one can be put into another.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """What was sealed.

        Raises:
            SealingError: It was changed, sealed for another purpose, or with another key.
        """
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise SealingError(
                f"A sealed secret can't be opened with the key in secrets/{SEALING_KEY}: was that file replaced?"
            ) from error


def ensure_sealing_key(path: Path) -> None:
    """Makes a key in ``path`` unless there is one."""
    ensure_secret(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())


def load_sealer(path: Path) -> Sealer:
    """The sealer with the key in ``path``.

    Raises:
        RuntimeError: It is missing, others can read it, or it is no key.
    """
    try:
        key = base64.b64decode(read_secret(path), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise RuntimeError(f"The secret {path.name} is no key of {_KEY_BYTES} bytes; restore it from a backup.")
    return Sealer(key)
