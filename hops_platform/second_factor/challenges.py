"""What stands for a password that was right, until the code is typed.

The page that asks for the code holds a challenge in the password's place. It is sealed, so nobody can make one or read
it; alone it opens nothing; it ends after some minutes, and with the password.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime, timedelta

from hops_platform.errors import UnauthenticatedError
from hops_platform.security.sealing import Sealer, SealingError

LIFETIME = timedelta(minutes=5)
MAX_CHALLENGE_LENGTH = 400
_PURPOSE = "log-in challenge"


def make_challenge(user: str, *, valid_from: datetime, moment: datetime, sealer: Sealer) -> str:
    """A challenge for ``user``, whose log-ins of before ``valid_from`` have ended."""
    content = {"user": user, "valid_from": valid_from.isoformat(), "until": (moment + LIFETIME).isoformat()}
    return base64.urlsafe_b64encode(sealer.seal(json.dumps(content).encode(), purpose=_PURPOSE)).decode()


def open_challenge(challenge: str, *, moment: datetime, sealer: Sealer) -> tuple[str, datetime]:
    """The user's name, and since when log-ins were good when the challenge was made.

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
    return content["user"], datetime.fromisoformat(content["valid_from"])


def _ended() -> UnauthenticatedError:
    return UnauthenticatedError("This log-in took too long, or was not begun here.", remedy="Log in again.")
