"""What stands for a password that was right, until the code is typed.

The page that asks for the code holds a challenge in the password's place. It is sealed, so nobody can make one or read
it; alone it opens nothing; it ends after some minutes, and with the password.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime, timedelta
from typing import NamedTuple

from hops_platform.errors import UnauthenticatedError
from hops_platform.security.sealing import Sealer, SealingError

LIFETIME = timedelta(minutes=5)
MAX_CHALLENGE_LENGTH = 400
_PURPOSE = "log-in challenge"


class LogIn(NamedTuple):
    """A log-in that lacks the second factor.

    Attributes:
        user: Whose.
        valid_from: Since when log-ins were good when it was begun.
        key_challenge: What a security key was asked in it; empty for nothing.
        begun_at: When what comes before the second factor was proven.
    """

    user: str
    valid_from: datetime
    key_challenge: str
    begun_at: datetime


def make_challenge(
    user: str, *, valid_from: datetime, moment: datetime, sealer: Sealer, key_challenge: str = ""
) -> str:
    """A challenge for ``user``, whose log-ins of before ``valid_from`` have ended; see :class:`LogIn`."""
    content = {"user": user, "valid_from": valid_from.isoformat(), "until": (moment + LIFETIME).isoformat()}
    if key_challenge:
        content["key"] = key_challenge
    return base64.urlsafe_b64encode(sealer.seal(json.dumps(content).encode(), purpose=_PURPOSE)).decode()


def open_challenge(challenge: str, *, moment: datetime, sealer: Sealer) -> LogIn:
    """The log-in that a challenge stands for.

    Raises:
        UnauthenticatedError: It was made up, or took too long.
    """
    try:
        sealed = base64.b64decode(challenge.encode(), altchars=b"-_", validate=True)
        content = json.loads(sealer.open(sealed, purpose=_PURPOSE))
    except (binascii.Error, SealingError, UnicodeError, ValueError) as error:
        raise _ended() from error
    if moment >= datetime.fromisoformat(content["until"]):
        raise _ended()
    return LogIn(
        user=content["user"],
        valid_from=datetime.fromisoformat(content["valid_from"]),
        key_challenge=content.get("key", ""),
        begun_at=datetime.fromisoformat(content["until"]) - LIFETIME,
    )


def _ended() -> UnauthenticatedError:
    return UnauthenticatedError("This log-in took too long, or was not begun here.", remedy="Log in again.")
