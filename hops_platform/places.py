"""How many calls of a kind are under way at the same moment: in all, and of one person."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hops_platform.errors import TooManyError

WAITING_OF_ONE_PERSON = 2
"""The rest of a person's places are for what is answered at once: who watches can still stop a session."""


class Places:
    """Counts the calls; nobody waits for a place.

    Args:
        at_once: In all.
        of_one: Of one person.
        calls: What they are, in words.
        pages: What one can close to have fewer.
        crowded: What is said where all together have too many.
    """

    def __init__(
        self,
        *,
        at_once: int,
        of_one: int,
        calls: str,
        pages: str,
        crowded: str,
    ) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._calls = calls
        self._pages = pages
        self._crowded = crowded
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, person: str) -> Iterator[bool]:
        """Takes a place of ``person``; tells whether the call may wait for news in it.

        Raises:
            TooManyError: There is none.
        """
        may_wait = self._take(person)
        try:
            yield may_wait
        finally:
            self._give_back(person)

    def _take(self, person: str) -> bool:
        with self._lock:
            if self._taken[person] >= self._of_one:
                raise TooManyError(
                    f"{self._of_one} of your {self._calls} are under way already.",
                    remedy=f"{self._pages}, or try again in a moment.",
                    retry_after_s=2,
                )
            if self._taken.total() >= self._at_once:
                raise TooManyError(
                    self._crowded,
                    remedy="Try again in a moment.",
                    retry_after_s=2,
                )
            self._taken[person] += 1
            return self._taken[person] <= WAITING_OF_ONE_PERSON

    def _give_back(self, person: str) -> None:
        with self._lock:
            self._taken[person] -= 1
            if not self._taken[person]:
                del self._taken[person]
