"""Places for requests that take much of the service or stay with it: a few of each person at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from hops_livy.errors import TooManyError
from hops_livy.news import News


class Places:
    """Places of each person, so that nobody takes all that there is.

    Args:
        most: How many one person has.
        patience_s: For how long one is waited for where that is wanted.
        refusal: What is said of so many (``{}``) to who gets none.
        remedy: What they can do.
    """

    def __init__(self, most: int, patience_s: float = 0.0, *, refusal: str, remedy: str) -> None:
        self.most = most
        self._patience_s = patience_s
        self._refusal = refusal
        self._remedy = remedy
        self._taken: Counter[str] = Counter()
        self._given_back = News()

    def take_free(self, who: str) -> ExitStack | None:
        """One of the places of ``who`` until what this gives is closed; ``None`` where all are taken."""
        return self._take(who) if self._has_free(who) else None

    def take(self, who: str) -> ExitStack:
        """One of the places of ``who`` until what this gives is closed.

        Raises:
            TooManyError: All are taken.
        """
        place = self.take_free(who)
        if place is None:
            raise self._refused()
        return place

    @asynccontextmanager
    async def wait_for(self, who: str) -> AsyncIterator[None]:
        """One of the places of ``who``, as soon as one is free.

        Raises:
            TooManyError: All were taken for too long.
        """
        if not await self._given_back.wait_until(lambda: self._has_free(who), self._patience_s):
            raise self._refused()
        # Nobody else came between: nothing is waited for from there to here.
        with self._take(who):
            yield

    def _has_free(self, who: str) -> bool:
        return self._taken[who] < self.most

    def _take(self, who: str) -> ExitStack:
        self._taken[who] += 1
        place = ExitStack()
        place.callback(self._give_back, who)
        return place

    def _give_back(self, who: str) -> None:
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        self._given_back.tell()

    def _refused(self) -> TooManyError:
        return TooManyError(self._refusal.format(self.most), remedy=self._remedy)
