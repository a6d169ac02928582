"""A server whose connections begin with TLS, of which only so many begin and only so many stand.

uvicorn's own way to listen lets any number of connections begin, and gives each a minute to say a first word. Here

- a handshake has :data:`HANDSHAKE_S` seconds;
- of too many handshakes the one that has lasted longest is given up, not the one that comes: who connects and says
  nothing keeps nobody out;
- of too many connections, the one that has waited longest for a request is closed; where all are at work, the new one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import uvicorn

from hops_contract.connections import BoundedConnection

LOG = logging.getLogger("hops.tls")
HANDSHAKE_S = 10.0
MOST_HANDSHAKES = 200
MOST_CONNECTIONS = 1000
_NOT_STARTED = 3
_NO_DESCRIPTOR_S = 0.5


class TlsServer(uvicorn.Server):
    """See the module, and uvicorn. Its configuration has TLS and :class:`BoundedConnection`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._accepting: list[asyncio.Task[None]] = []
        self._handshakes: OrderedDict[asyncio.Task[None], None] = OrderedDict()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens; ``sockets`` in place of its own, where they are given."""
        try:
            listening = sockets if sockets is not None else list(_listeners(self.config))
        except OSError as error:
            LOG.error("The address %s:%d can't be listened on: %s", self.config.host, self.config.port, error.strerror)  # noqa: TRY400 - that is all
            sys.exit(_NOT_STARTED)
        await super().startup(sockets=[])
        self._accepting = [asyncio.ensure_future(self._accept(listener)) for listener in listening]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens no more, gives up handshakes, and lets what is at work end."""
        for task in (*self._accepting, *self._handshakes):
            task.cancel()
        await asyncio.gather(*self._accepting, *self._handshakes, return_exceptions=True)
        await super().shutdown(sockets)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        with listener:
            while True:
                try:
                    arrived, _ = await loop.sock_accept(listener)
                except OSError as error:
                    # Gone before it was taken, or no descriptor is left: others end meanwhile.
                    LOG.warning("a connection can't be taken: %s", error.strerror)
                    await asyncio.sleep(_NO_DESCRIPTOR_S)
                    continue
                if len(self._handshakes) >= MOST_HANDSHAKES:
                    oldest, _ = self._handshakes.popitem(last=False)
                    oldest.cancel()
                task = asyncio.ensure_future(self._begin(arrived))
                self._handshakes[task] = None
                task.add_done_callback(partial(self._begun, arrived))

    async def _begin(self, arrived: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            self._protocol, arrived, ssl=self.config.ssl, ssl_handshake_timeout=HANDSHAKE_S
        )
        self._make_room()

    def _begun(self, arrived: socket.socket, task: asyncio.Task[None]) -> None:
        self._handshakes.pop(task, None)
        # Who does not speak TLS, or not in time, is no news.
        if task.cancelled() or task.exception() is not None:
            arrived.close()

    def _protocol(self) -> asyncio.Protocol:
        kind = cast("type[Any]", self.config.http_protocol_class)
        protocol: asyncio.Protocol = kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _make_room(self) -> None:
        if len(self._standing) <= MOST_CONNECTIONS:
            return
        # A set keeps no order; those that wait do, each by its own clock.
        waiting = [one for one in self._standing if one.waits_since is not None]
        if waiting:
            min(waiting, key=lambda one: one.waits_since or 0.0).transport.abort()

    @property
    def _standing(self) -> set[BoundedConnection]:
        return cast("set[BoundedConnection]", self.server_state.connections)


def _listeners(config: uvicorn.Config) -> Iterator[socket.socket]:
    for family, _, _, _, address in socket.getaddrinfo(
        config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        yield socket.create_server(address[:2], family=family, backlog=config.backlog)
