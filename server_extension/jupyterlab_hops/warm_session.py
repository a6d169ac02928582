"""Keeps a Spark session ready for the next notebook, for as long as somebody works on this server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError

KEEP_S = 60.0
"""The session service ends a session that nobody has asked to keep for three minutes."""
WAIT_S = 5.0
"""Until it is asked again for one that could not be started yet."""
IDLE_S = 20 * 60.0
"""A server on which nothing has happened for so long keeps nothing ready."""


class WarmSession:
    """Asks the session service again and again to keep a session ready.

    Args:
        service: The session service.
        options: What this server's sessions are started with.
        seconds_since_use: Tells for how long nobody has used this server.
    """

    def __init__(
        self, service: PlatformClient, options: Mapping[str, Any], seconds_since_use: Callable[[], float]
    ) -> None:
        self._service = service
        self._options = dict(options)
        self._seconds_since_use = seconds_since_use

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Goes on until it is cancelled."""
        while True:
            await sleep(await self.ask())

    async def ask(self) -> float:
        """Asks once, if anybody works here; returns after how many seconds to ask again."""
        if self._seconds_since_use() > IDLE_S:
            return KEEP_S
        try:
            answer = await self._service.request("POST", "sessions:warm", {"options": self._options})
        except ProblemError:
            # Without a warm session everything works, only later.
            return KEEP_S
        return WAIT_S if isinstance(answer, dict) and answer.get("state") == "waiting" else KEEP_S
