"""The bodies of requests, for every service alike: none is longer than needed, and none is waited for long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from enum import StrEnum
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_ON_BYTES = 16 * 2**20
"""Of what a refused request goes on to send; pages send less at once."""
_READ_ON_S = 1.0


class Refusal(StrEnum):
    """Why a body is not taken."""

    TOO_LARGE = "too-large"
    TOO_SLOW = "body-too-slow"


Refuse = Callable[[Refusal, str, str], App]
"""Makes the answer from the refusal, what happened, and what the caller can do."""


class BodyLimit:
    """ASGI middleware: reads each body whole before anything looks at its request.

    Args:
        app: What it surrounds.
        limit: The most bytes, also of bodies that come in chunks without a length.
        patience_s: Seconds in which a body must be there whole.
        at_once: How many bodies are waited for at the same moment. One more ends the waiting for that which began
            first: an honest body comes with its request, so those who hold theirs back hold up nobody but themselves.
        refuse: Makes the answers. The rest of a refused body is not read, so an answer has to close the connection.
        streamed: Tells the requests whose bodies are not read here: their routes read them, and bound them.
    """

    def __init__(
        self,
        app: App,
        *,
        limit: int,
        patience_s: float,
        at_once: int,
        refuse: Refuse,
        streamed: Callable[[Scope], bool] = lambda _scope: False,
    ) -> None:
        self._app = app
        self._limit = limit
        self._patience_s = patience_s
        self._at_once = at_once
        self._refuse = refuse
        self._streamed = streamed
        # A dict, since it keeps the order in which the waiting began.
        self._waiting: dict[asyncio.Timeout, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        if self._streamed(scope):
            await self._app(scope, *_closing_unread(scope, receive, send))
            return
        messages = await self._read_in_time(scope, receive)
        if isinstance(messages, Refusal):
            await self._refuse(messages, *self._told(messages))(scope, receive, send)
            return
        replay = iter(messages)

        async def receive_again() -> Message:
            for message in replay:
                return message
            return await receive()

        await self._app(scope, receive_again, send)

    async def _read_in_time(self, scope: Scope, receive: Receive) -> list[Message] | Refusal:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
            return Refusal.TOO_LARGE
        if len(self._waiting) >= self._at_once:
            self._give_up_the_first()
        patience = asyncio.timeout(self._patience_s)
        try:
            async with patience:
                self._waiting[patience] = None
                return await self._read(receive)
        except TimeoutError:
            return Refusal.TOO_SLOW
        finally:
            self._waiting.pop(patience, None)

    def _give_up_the_first(self) -> None:
        first = next(iter(self._waiting))
        del self._waiting[first]
        if not first.expired():
            first.reschedule(asyncio.get_running_loop().time())

    async def _read(self, receive: Receive) -> list[Message] | Refusal:
        # Bodies are small by this very limit, so they are read here whole.
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request":
                return messages
            size += len(message.get("body", b""))
            if size > self._limit:
                return Refusal.TOO_LARGE
            if not message.get("more_body", False):
                return messages

    def _told(self, refusal: Refusal) -> tuple[str, str]:
        if refusal is Refusal.TOO_LARGE:
            return f"A request may have {self._limit} bytes.", "Send less at once."
        return (
            f"The request's body did not come within {self._patience_s:g} seconds, or too many others were waited for.",
            "Send the whole body at once.",
        )


def _closing_unread(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The connection of a request whose body its route reads: an answer before the body's end closes it.

    Else whoever is refused goes on sending, and somebody has to read it. What comes just after the answer is read and
    thrown away before: a proxy that still sends when a connection is closed takes the answer for none, and the caller
    never sees the reason.
    """
    whole = closes = False
    # Who asks first whether to send does not send after a refusal, and reading on would tell them to.
    asks_first = any(name == b"expect" for name, _ in scope["headers"])

    async def receive_noting() -> Message:
        nonlocal whole
        message = await receive()
        whole = whole or not message.get("more_body", False)
        return message

    async def read_on() -> None:
        left = _READ_ON_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READ_ON_S):
                while not whole and left > 0:
                    left -= len((await receive_noting()).get("body", b""))

    async def send_closing(message: Message) -> None:
        nonlocal closes
        if message["type"] == "http.response.start" and not whole:
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            closes = True
        ends = message["type"] == "http.response.body" and not message.get("more_body", False)
        if closes and ends and not asks_first:
            await send({**message, "more_body": True})
            await read_on()
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return receive_noting, send_closing
