"""Work of the service that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """The tasks that are under way; each is kept until it has ended."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begins ``work``."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Stops all that is under way."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Stops all that is under way, and returns when it has ended."""
        self.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
