"""Codes as RFC 6238 (TOTP) has them, with what all authenticator apps know: SHA-1, six digits, steps of 30 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import secrets
from datetime import datetime

import pyotp
import segno

STEP_S = 30
WINDOW = 1
"""So many steps before and after the present one are taken too: clocks differ, and people type slowly."""
RECOVERY_CODES = 10
MAX_CODE_LENGTH = 40
_RECOVERY_BYTES = 10
_GROUP = 4
_SECRET_LENGTH = 32


def generate_secret() -> str:
    """A new secret in base32: 160 bits, as RFC 4226 recommends."""
    return pyotp.random_base32(_SECRET_LENGTH)


def step_at(moment: datetime) -> int:
    """The time step of ``moment``."""
    return int(moment.timestamp()) // STEP_S


def code_of(secret: str, step: int) -> str:
    """The code of a time step."""
    return str(pyotp.HOTP(secret).at(step))


def matching_step(secret: str, code: str, *, moment: datetime, after: int) -> int | None:
    """The time step of which ``code`` is, within the window around ``moment``.

    Args:
        secret: The secret in base32.
        code: What was typed, as :func:`tidy` leaves it.
        moment: Now.
        after: The last step that was used; no code of it or of an earlier one is good any more.

    Returns:
        The step; ``None`` if the code is of none of them.
    """
    present = step_at(moment)
    found = None
    # All are compared, each in a time that does not tell how much of it was right.
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def tidy(code: str) -> str:
    """What was typed without the blanks and dashes that people set for reading, and in small letters."""
    return "".join(code.split()).replace("-", "").lower()


def generate_recovery_codes() -> list[str]:
    """New recovery codes of 80 bits each, for people to read: ``abcd-efgh-ijkl-mnop``."""
    return [_grouped(base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]


def digest_of(code: str) -> str:
    """What is stored of a recovery code: its SHA-256, since nobody tries all of 80 random bits."""
    return hashlib.sha256(tidy(code).encode("utf-8", "surrogatepass")).hexdigest()


def setup_address(secret: str, *, user: str, site: str) -> str:
    """The address that authenticator apps read from a QR code.

    Format: https://github.com/google/google-authenticator/wiki/Key-Uri-Format
    """
    return str(pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=site))


def qr_code(text: str) -> str:
    """``text`` as a QR code: a whole SVG, black on white in both themes, since cameras need the contrast."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        omitsize=True,
    )
    return out.getvalue().decode()


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP)).lower()
