"""An application that listens on a free port of loopback, in a thread of the test's own process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def listening(app: Any, *, whole: bool = False) -> Iterator[int]:
    """Answers by ``app`` at the port that is given. Connections wait from the first.

    Args:
        app: Of ASGI.
        whole: Whether its start and end are run, too.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(_config(app, whole=whole))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


def _config(app: Any, *, whole: bool) -> uvicorn.Config:
    # A browser that is still there keeps its connections for as long as it may.
    return uvicorn.Config(app, log_config=None, lifespan="on" if whole else "off", timeout_graceful_shutdown=1)
