"""Tokens that the platform shows to its own services in a person's name, kept for a moment.

A service remembers what a token proves, and what its owner was told to be, by the token. Were each call made with a new
one, nothing would ever be remembered, and each would bring calls back to this service.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from hops_platform.security.tokens import SignedToken, Signer

KEPT_S = 60.0
KEPT = 1000
MARGIN = timedelta(seconds=60)
"""A call that begins with a token may take so long, and the token is good until its end."""

_Facts = tuple[str, bool, datetime]


class KeptTokens:
    """Signs a person's token once a minute, as long as it would prove the same.

    Args:
        signer: Signs them.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Facts, tuple[float, SignedToken]] = OrderedDict()

    def of_user(self, user: str, *, admin: bool, valid_from: datetime) -> str:
        """A token of kind ``user``.

        Args:
            user: The person.
            admin: Whether they are an administrator at this moment.
            valid_from: Tokens of before are refused; with a new password it is another moment.
        """
        facts = (user, admin, valid_from)
        # Those who come together are given the same one.
        with self._lock:
            now = time.monotonic()
            since, signed = self._kept.get(facts, (now, None))
            if signed is None or now - since >= KEPT_S or datetime.now(UTC) >= signed.expires_at - MARGIN:
                signed = self._signer.sign_user(user, admin=admin)
                self._kept[facts] = now, signed
                self._kept.move_to_end(facts)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return signed.token
