"""Which tokens of browsers the Hub has stood by, and whose they were: for who waits behind whom, never for a log-in."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict

KEPT_S = 12 * 3600.0
"""A working day. Much longer than an answer of the Hub is believed: a person who comes back to a page after lunch
shall not stand among strangers, and however many tokens are somebody's, they all are one caller."""
KEPT = 10_000


class ProvenTokens:
    """Remembers tokens by their hashes; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def remember(self, token: str, person: str) -> None:
        """The Hub has said just now that ``token`` is a log-in of ``person``."""
        key = _key(token)
        with self._lock:
            self._kept[key] = time.monotonic(), person
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def forget(self, token: str) -> None:
        """The Hub stands by it no more."""
        with self._lock:
            self._kept.pop(_key(token), None)

    def forget_all_of(self, person: str) -> None:
        """All log-ins of ``person`` have ended."""
        with self._lock:
            for key in [key for key, (_, name) in self._kept.items() if name == person]:
                del self._kept[key]

    def person_of(self, token: str) -> str | None:
        """Whose it was lately."""
        with self._lock:
            since, person = self._kept.get(_key(token), (0.0, None))
        return person if time.monotonic() - since < KEPT_S else None


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
