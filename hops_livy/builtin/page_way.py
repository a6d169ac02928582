"""The way to the pages of a driver's Spark.

Law: what a session says of its port is not believed. Either it has a network of its own, in which there is nobody else
and one port is led to, or the port has to be listened on by one of its own processes.
"""

from __future__ import annotations

import logging
from pathlib import Path

from hops_livy.builtin.launch import PAGE_PORT
from hops_livy.builtin.processes import Listeners
from hops_livy.engines.drivers import SparkPages

LOG = logging.getLogger(__name__)


class PageWay:
    """Finds the way to the pages of one session.

    Args:
        session_id: The session's number, for the log.
        key: What signs the tokens that the pages ask for; ``None`` where nobody may see them.
        socket: What leads into the session's own network; ``None`` where it has none.
    """

    def __init__(self, session_id: int, *, key: str | None, socket: Path | None) -> None:
        self._session_id = session_id
        self._socket = socket
        self._listeners = Listeners()
        self._doubted: set[int] = set()
        self.key = key

    async def find(self, leader: int, port: int) -> SparkPages | None:
        """The way, if there is one.

        Args:
            leader: The session's first process.
            port: What the session says.
        """
        if self.key is None:
            return None
        url = f"http://127.0.0.1:{port}"
        if self._socket is not None:
            return SparkPages(url=url, key=self.key, socket=self._socket) if port == PAGE_PORT else None
        if await self._listeners.is_there(leader, port):
            return SparkPages(url=url, key=self.key)
        if port not in self._doubted:
            self._doubted.add(port)
            LOG.warning("session %d names a port that is not its own", self._session_id)
        return None
