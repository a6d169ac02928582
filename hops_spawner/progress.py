"""The steps of a start, told while they happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any


class StartProgress:
    """Remembers the steps reached so far, and tells every reader all of them from the first on."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._reached_at = time.monotonic()
        self._ended = False
        self._changed = asyncio.Event()

    def reach(self, percent: int, message: str) -> None:
        """Say which step is reached; the same step is told once."""
        event = {"progress": percent, "message": message}
        if not self._events or self._events[-1] != event:
            self._events.append(event)
            self._reached_at = time.monotonic()
            self._notify()

    def latest(self) -> tuple[str, float]:
        """The step reached last, and since how many seconds."""
        step = str(self._events[-1]["message"]) if self._events else "the first"
        return step, time.monotonic() - self._reached_at

    def end(self) -> None:
        """No more steps follow."""
        self._ended = True
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The steps, as JupyterHub's progress events, until the start has ended."""
        told = 0
        while True:
            while told < len(self._events):
                yield dict(self._events[told])
                told += 1
            if self._ended:
                return
            await self._changed.wait()
