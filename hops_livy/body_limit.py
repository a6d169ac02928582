"""Refuses bodies that are larger than the service takes, before they are read whole."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hops_contract.problems import MEDIA_TYPE
from hops_livy.errors import TooLargeError


class BodyLimit:
    """ASGI middleware.

    Args:
        app: What is behind it.
        limit_bytes: The most that a body may have.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reads the body, as far as it may go, and hands on."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE"):
            await self._app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > self._limit:
                error = TooLargeError(f"The request has more than {self._limit} bytes.")
                await JSONResponse(error.body(), status_code=error.status, media_type=MEDIA_TYPE)(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        read = False

        async def receive_again() -> Message:
            nonlocal read
            if read:
                return await receive()
            read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send)
