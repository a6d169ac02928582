"""Looks at all sessions of Apache Livy's at once: one list for everybody who follows one, as long as somebody does."""

from __future__ import annotations

import asyncio
import contextlib
import time

from hops_livy.upstream.answers import LivyError, SessionView
from hops_livy.upstream.client import PAGE, LivyClient
from hops_livy.upstream.pace import list_pause


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
        seen = 0
        try:
            async for view in self._livy.all(self._kind):
                seen += 1
                if view.name in wanted:
                    views[view.name] = view
            self._pages = seen // PAGE + 1
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
