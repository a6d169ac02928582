"""Requests that are held until there is news: so many of one person, and none for somebody who has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import ExitStack
from typing import Any

from hops_livy.errors import TooManyError


class HeldRequests:
    """Counts them.

    Args:
        most: How many one person may have at the same moment.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[str, int] = {}

    def place(self, who: str) -> ExitStack | None:
        """Counts one more of ``who`` until what this gives is closed; ``None`` where they have as many already."""
        if self._held.get(who, 0) >= self.most:
            return None
        self._held[who] = self._held.get(who, 0) + 1
        place = ExitStack()
        place.callback(self._give_back, who)
        return place

    def _give_back(self, who: str) -> None:
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]

    async def hold(
        self, who: str, waiting: Coroutine[Any, Any, object], receive: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> None:
        """Holds a request of ``who`` until ``waiting`` is over, or its client has gone.

        Args:
            who: The person.
            waiting: Ends when there is news, or when it has been waited for long enough.
            receive: Of ASGI: what the client sends; that it has gone comes last.

        Raises:
            TooManyError: The person has as many held already.
        """
        place = self.place(who)
        if place is None:
            waiting.close()
            raise TooManyError(
                f"{self.most} of your requests wait for news of sessions already.",
                remedy="Close some of the pages that show sessions, or ask without wait_s.",
            )
        watched = [asyncio.ensure_future(waiting), asyncio.ensure_future(_gone(receive))]
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in watched:
                task.cancel()
            await asyncio.gather(*watched, return_exceptions=True)
            place.close()


async def _gone(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
