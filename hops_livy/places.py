"""Requests that take much of the service: a few of each person at the same moment, and more of them wait a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hops_livy.errors import TooManyError


class Places:
    """Places of each person for requests that take much, so that nobody takes all of it.

    Args:
        most: How many one person has.
        patience_s: For how long one is waited for.
        refusal: What is said of so many (``{}``) to who has waited in vain.
        remedy: What they can do.
    """

    def __init__(self, most: int, patience_s: float, *, refusal: str, remedy: str) -> None:
        self._most = most
        self._patience_s = patience_s
        self._refusal = refusal.format(most)
        self._remedy = remedy
        self._places: dict[str, asyncio.Semaphore] = {}
        self._asking: dict[str, int] = {}

    @asynccontextmanager
    async def place_of(self, who: str) -> AsyncIterator[None]:
        """One of the places of ``who``.

        Raises:
            TooManyError: All were taken for too long.
        """
        places = self._places.setdefault(who, asyncio.Semaphore(self._most))
        self._asking[who] = self._asking.get(who, 0) + 1
        try:
            try:
                async with asyncio.timeout(self._patience_s):
                    await places.acquire()
            except TimeoutError as error:
                raise TooManyError(self._refusal, remedy=self._remedy) from error
            try:
                yield
            finally:
                places.release()
        finally:
            self._asking[who] -= 1
            if not self._asking[who]:
                del self._asking[who], self._places[who]
