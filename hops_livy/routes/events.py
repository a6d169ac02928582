"""A statement's events as they go out (server-sent events)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from hops_livy.progress import MESSAGE, Progress
from hops_livy.sessions import Session
from hops_livy.statements import Statement

MEDIA_TYPE = "text/event-stream"
_PING_S = 15.0
_PING = b": ping\r\n\r\n"
_PIECE_BYTES = 256 * 1024
# Each piece wakes its reader; a cell that prints line after line would do so a thousand times a second.
_TOGETHER_S = 0.005


class EventStream(StreamingResponse):
    """Events of a statement, from one position on to its end.

    Whoever sends them knows when nothing has been said for long, so a comment keeps the connection alive without a task
    that only waits for that.

    Args:
        session: The session, which learns that its client has read the end.
        statement: The statement.
        position: Number of the first event. A client names the last one that it had, or anything: one behind the end is
            the end.
        status_code: Of the answer.
        place: Of the caller among those whose requests are held open; given back at the stream's end.
        headers: Of the answer, beside those that keep caches and proxies from holding events back.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        session: Session,
        statement: Statement,
        position: int = 0,
        *,
        place: ExitStack,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        unheld = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(
            events_of(session, statement, position), status_code=status_code, headers={**unheld, **(headers or {})}
        )
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Starlette."""
        with self._place:
            await super().__call__(scope, receive, send)


async def events_of(
    session: Session, statement: Statement, position: int = 0, *, ping_s: float = _PING_S
) -> AsyncIterator[bytes]:
    """The statement's events, and comments where there are none for long; what is there already is one piece.

    It ends before the statement does where the service is about to stop: a client asks the next one for the rest. Of
    output that was dropped while it went out, the sentence about that is what still comes.

    Args:
        session: As for :class:`EventStream`.
        statement: As for :class:`EventStream`.
        position: As for :class:`EventStream`.
        ping_s: Seconds without an event after which a comment comes.
    """
    outputs, news = statement.outputs, statement.news
    await outputs.load()
    told: Progress | None = None
    reached = 0

    def _is_news() -> bool:
        """Whether there is something to send."""
        return statement.final or position < len(outputs.events) or statement.progress is not told

    while not news.closed:
        # Asked for each time, and not held on to while a client reads: it may be dropped meanwhile.
        ready = _piece(outputs.events, position)
        if outputs.dropped and len(outputs.events) < reached and 0 < position < reached:
            ready = [_event(outputs.events[-1], position)]
        position, reached = position + len(ready), len(outputs.events)
        shown = position >= reached
        if statement.final and shown:
            # A client that has gone asks for no further event: this one is on its way to somebody.
            session.tell_end(statement)
            yield b"".join([*ready, _event(_message("done", statement.done_content()), position)])
            return
        if shown and statement.progress is not told:
            told = statement.progress
            ready.append(_event(_message(MESSAGE, statement.spark_progress())))
        if piece := b"".join(ready):
            ready.clear()
            yield piece
        elif not await news.wait_until(_is_news, ping_s):
            yield _PING
        else:
            # What comes at the same moment goes together; the end waits for nothing.
            await news.wait_until(lambda: statement.final, _TOGETHER_S)


def _piece(events: Sequence[bytes], begin: int) -> list[bytes]:
    """The events from ``begin`` on, as many as go together."""
    ready: list[bytes] = []
    size = 0
    while begin + len(ready) < len(events) and size < _PIECE_BYTES:
        ready.append(_event(events[begin + len(ready)], begin + len(ready)))
        size += len(ready[-1])
    return ready


def _event(message: bytes, number: int | None = None) -> bytes:
    """A server-sent event; ``message`` is JSON on one line."""
    begin = b"" if number is None else b"id: %d\r\n" % number
    return b"%bdata: %b\r\n\r\n" % (begin, message)


def _message(kind: str, content: dict[str, Any] | None) -> bytes:
    return json.dumps({"type": kind, "content": content}, default=str).encode()
