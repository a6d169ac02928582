"""Whether something answers, asked as often as anybody likes at the cost of asking once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Probe:
    """Looks in a thread of its own, so that it waits for none of those that serve requests and takes none from them.

    Who asks while it looks is given the answer of that look.

    Args:
        look: Returns if all is well, else raises.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._looking: Future[None] | None = None

    async def check(self) -> None:
        """Returns if all is well; raises what the look raised."""
        if self._looking is None or self._looking.done():
            self._looking = self._thread.submit(self._look)
        # Shielded: who goes away ends no look that others wait for.
        await asyncio.shield(asyncio.wrap_future(self._looking))
