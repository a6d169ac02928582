"""Looks at all sessions of Apache Livy's at once: one list for everybody who follows one, as long as somebody does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from hops_livy.upstream.answers import LivyError, SessionView, TooMuchError
from hops_livy.upstream.client import PAGE, LivyClient
from hops_livy.upstream.pace import list_pause

LOG = logging.getLogger(__name__)
_MOST_LIST = 4 * 1024 * 1024
"""Bytes of a page. It holds lines that sessions' code may have written, and is read each second."""
_LIST_AGAIN_S = 60.0
_ALONE = 6
"""So many sessions that are asked for by themselves count as one page."""


class Rounds:
    """One round after the other, each for those who wait for it when it begins; none while nobody waits.

    Args:
        livy: Where they run.
        kind: ``sessions`` or ``batches``.
    """

    def __init__(self, livy: LivyClient, kind: str) -> None:
        self._livy = livy
        self._kind = kind
        self._waiting: dict[asyncio.Future[SessionView | None], tuple[str, bool]] = {}
        self._somebody = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._begun, self._pages = float("-inf"), 1
        self._no_list_until = float("-inf")

    async def next(self, name: str, *, starting: bool = False) -> SessionView | None:
        """What the next round tells of a session; ``None`` where the list does not have it.

        Args:
            name: What it is called.
            starting: Whether somebody waits for its start.

        Raises:
            LivyError: The round failed.
        """
        found: asyncio.Future[SessionView | None] = asyncio.get_running_loop().create_future()
        self._waiting[found] = name, starting
        self._somebody.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go())
        try:
            return await found
        finally:
            self._waiting.pop(found, None)

    async def close(self) -> None:
        """Looks no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _go(self) -> None:
        while self._waiting:
            left = self._begun - time.monotonic()
            left += list_pause(self._pages, starting=any(starting for _, starting in self._waiting.values()))
            if left > 0:
                # One that starts may come meanwhile.
                self._somebody.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._somebody.wait(), left)
                continue
            await self._look()

    async def _look(self) -> None:
        self._begun = time.monotonic()
        waiting, self._waiting = self._waiting, {}
        wanted = {name for name, _ in waiting.values()}
        views: dict[str, SessionView] = {}
        failure: LivyError | None = None
        try:
            views = await self._list(wanted)
        except LivyError as error:
            failure = error
        except asyncio.CancelledError:
            for found in waiting:
                found.cancel()
            raise
        for found, (name, _) in waiting.items():
            if found.done():
                continue
            if failure is None:
                found.set_result(views.get(name))
            else:
                found.set_exception(failure)

    async def _list(self, wanted: set[str]) -> dict[str, SessionView]:
        """Those of ``wanted`` that Livy has; none for a while after its list was too large, so that each is asked for.

        Else one session could keep all others from being looked at.
        """
        self._pages = 1 + len(wanted) // _ALONE
        if self._begun < self._no_list_until:
            return {}
        views: dict[str, SessionView] = {}
        seen = 0
        try:
            async for view in self._livy.all(self._kind, most=_MOST_LIST):
                seen += 1
                if view.name in wanted:
                    views[view.name] = view
        except TooMuchError as error:
            LOG.warning("%s are asked for one by one for a while: %s", self._kind, error)
            self._no_list_until = self._begun + _LIST_AGAIN_S
            return {}
        self._pages = 1 + seen // PAGE
        return views
