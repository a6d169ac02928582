"""Who uses which key, remembered in this process: for places in the crowd, and for the day of the last use."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from datetime import datetime

from hops_platform.api_keys.proofs import digest_of

REMEMBERED = 10_000


class KeysInUse:
    """Remembers keys that were proven, by their digests, until it is told that they are none any more.

    It lets nobody in: whoever was remembered is looked up again with each call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._people: OrderedDict[str, str] = OrderedDict()
        self._used: dict[uuid.UUID, datetime] = {}

    def person_of(self, key: str) -> str | None:
        """The name of the user whose key it was when it was last used. Answers at once."""
        with self._lock:
            return self._people.get(digest_of(key))

    def note(self, key: str, *, user: str, identifier: uuid.UUID, moment: datetime) -> None:
        """Remembers that ``user`` has used a key."""
        digest = digest_of(key)
        with self._lock:
            self._people[digest] = user
            self._people.move_to_end(digest)
            if len(self._people) > REMEMBERED:
                self._people.popitem(last=False)
            self._used[identifier] = moment

    def forget(self, key: str) -> None:
        """Forgets a key that was refused."""
        with self._lock:
            self._people.pop(digest_of(key), None)

    def take_uses(self) -> dict[uuid.UUID, datetime]:
        """When which key was last used since this was last asked."""
        with self._lock:
            used, self._used = self._used, {}
            return used
