"""A service that answers at several addresses at once, one of which may be the socket of the platform's own proxy."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Generator, Sequence
from pathlib import Path

import uvicorn

from hops_contract.bodies import App, Receive, Scope, Send
from hops_contract.origins import tell_proxied

LOG = logging.getLogger(__name__)
NOT_OWN_FOLDER = "The folder of HOPS_PROXY_SOCKET must be this user's alone (chmod 700)."


class ByProxy:
    """An application, asked by the proxy alone.

    Args:
        app: The application.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        tell_proxied(scope)
        await self._app(scope, receive, send)


def is_own_folder(folder: Path) -> bool:
    """Whether nobody but this user can come to what lies in ``folder``."""
    try:
        found = folder.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077


class ServedTogether(uvicorn.Server):
    """Leaves the signals to :func:`serve_together`: two would take them from one another.

    Attributes:
        settled: Set when it answers, or never will.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self.settled.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """See uvicorn."""
        yield


async def serve_together(servers: Sequence[ServedTogether]) -> None:
    """Answers at all addresses until told to stop by a signal, or until one of them ends.

    What all answer from is made ready by the first: nobody is answered elsewhere before.
    """
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)

    async def run(server: ServedTogether) -> None:
        if server is not servers[0]:
            await servers[0].settled.wait()
        try:
            if server is servers[0] or (servers[0].started and not server.should_exit):
                await server.serve()
        except SystemExit:
            pass  # uvicorn has logged why it can't listen; the caller sees that it has not started
        except OSError:
            # Of a socket uvicorn says nothing.
            LOG.exception("can't answer at %s", server.config.uds or server.config.port)
        finally:
            server.settled.set()
            told.set()

    running = [asyncio.ensure_future(run(server)) for server in servers]
    await told.wait()
    # The first address last: with it ends what all answer from.
    for server, task in reversed(list(zip(servers, running, strict=True))):
        server.should_exit = True
        await task
