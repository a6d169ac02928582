"""Answers that may be large: made beside the service's loop, sent in pieces, and a few of each person at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from hops_livy.aside import aside
from hops_livy.routes.callers import Caller

_LARGE_BYTES = 256 * 1024
_PIECE_BYTES = 256 * 1024
_JSON = "application/json"


async def json_answer(
    caller: Caller, tell: Callable[[], Any], size: int, *, status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """The answer with what ``tell`` gives.

    Args:
        caller: Who asks. Of a large one they have only a few at the same moment, from here until it is sent.
        tell: Makes what is told; in another thread where it is large.
        size: About how many bytes that is.
        status_code: Of the answer.
        headers: Of the answer.

    Raises:
        TooManyError: Too many large answers are on their way to the caller.
    """
    if size <= _LARGE_BYTES:
        return Response(_body(tell), status_code, headers, _JSON)
    async with AsyncExitStack() as place:
        await place.enter_async_context(caller.large_answers.wait_for(caller.principal.user))
        body = await aside(_body, tell)
        return _LargeAnswer(body, status_code, headers or {}, place.pop_all())


class _LargeAnswer(StreamingResponse):
    """Keeps its place until it is sent, or whoever asked has gone: in one piece it would wait in memory, uncounted."""

    def __init__(self, body: bytes, status_code: int, headers: dict[str, str], place: AsyncExitStack) -> None:
        told = {"Content-Length": str(len(body)), **headers}
        super().__init__(_pieces(body), status_code=status_code, headers=told, media_type=_JSON)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._place:
            await super().__call__(scope, receive, send)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(body), _PIECE_BYTES):
        yield body[begin : begin + _PIECE_BYTES]


def _body(tell: Callable[[], Any]) -> bytes:
    # In ASCII: a half of a character that needs two, which code may write, is no text in any encoding.
    return json.dumps(tell(), separators=(",", ":")).encode("ascii")
