"""An application on a free port of the loopback, in a thread of the test's own process."""

from __future__ import annotations

import threading

import uvicorn
from fastapi import FastAPI

from tests.waiting import until


class Served:
    """It answers from the beginning until :meth:`stop`.

    Args:
        app: What answers.

    Attributes:
        url: Its address, without a slash at the end.

    Raises:
        TooLateError: It did not start.
    """

    def __init__(self, app: FastAPI) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started, "the application does not start")
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """Ends it."""
        self._server.should_exit = True
        self._thread.join(timeout=60)
