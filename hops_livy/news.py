"""Lets a request wait until something has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class News:
    """A counter of changes that any number of tasks can wait on.

    Args:
        whole: News of the whole that this is a part of; it is told too.
    """

    def __init__(self, whole: News | None = None) -> None:
        self._changed = asyncio.Event()
        self._whole = whole
        self.closed = False
        """Whether nobody waits any longer, whatever there is."""

    def tell(self) -> None:
        """Wakes all who wait."""
        self._changed.set()
        self._changed = asyncio.Event()
        if self._whole is not None:
            self._whole.tell()

    def close(self) -> None:
        """Sends all away who wait, as if their time were over."""
        self.closed = True
        self._changed.set()

    async def wait_until(self, holds: Callable[[], bool], timeout_s: float, *, apart_s: float = 0.0) -> bool:
        """Waits until ``holds()``, at most ``timeout_s``; returns whether it does. Lets others work in any case.

        Args:
            holds: What is waited for.
            timeout_s: For how long.
            apart_s: So long after it looked it looks again at the earliest, however much news there is: for what takes
                long to find out.
        """
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                while not (holds() or self.closed):
                    looked, changed = loop.time(), self._changed
                    await changed.wait()
                    if apart_s and (pause_s := looked + apart_s - loop.time()) > 0:
                        await asyncio.sleep(pause_s)
        except TimeoutError:
            return holds()
        return not self.closed or holds()
