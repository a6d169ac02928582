"""A kernel's messages reach the browser when they are written.

A cell's answer is several small messages. With Nagle's algorithm the second waits until the first is acknowledged,
which the receiver may put off for 40 ms: on a trivial cell more than everything else together.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptWebsocketConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's connection between a kernel's channels and the browser, without waiting for more to send."""

    def connect(self) -> Any:
        """Connects, as Jupyter's own does."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
