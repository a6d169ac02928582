"""A statement's events as they go out (server-sent events)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

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
        headers: Of the answer, beside those that keep caches and proxies from holding events back.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        session: Session,
        statement: Statement,
        position: int = 0,
        *,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        unheld = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(
            events_of(session, statement, position), status_code=status_code, headers={**unheld, **(headers or {})}
        )


async def events_of(
    session: Session, statement: Statement, position: int = 0, *, ping_s: float = _PING_S
) -> AsyncIterator[bytes]:
    """The statement's events, and comments where there are none for long; what is there already is one piece.

    It ends before the statement does where the service is about to stop: a client asks the next one for the rest.

    Args:
        session: As for :class:`EventStream`.
        statement: As for :class:`EventStream`.
        position: As for :class:`EventStream`.
        ping_s: Seconds without an event after which a comment comes.
    """
    events, news = statement.outputs.events, statement.news
    told: Progress | None = None

    def anything() -> bool:
        return statement.final or position < len(events) or statement.progress is not told

    while not news.closed:
        ready, size = [], 0
        while position < len(events) and size < _PIECE_BYTES:
            ready.append(_event(events[position], position))
            size += len(ready[-1])
            position += 1
        shown = position >= len(events)
        if statement.final and shown:
            # A client that has gone asks for no further event: this one is on its way to somebody.
            session.tell_end(statement)
            ready.append(_event({"type": "done", "content": statement.done_content()}, position))
            yield b"".join(ready)
            return
        if shown and statement.progress is not told:
            told = statement.progress
            ready.append(_event({"type": MESSAGE, "content": statement.spark_progress()}))
        if ready:
            yield b"".join(ready)
        elif not await news.wait_until(anything, ping_s):
            yield _PING
        else:
            # What comes at the same moment goes together; the end waits for nothing.
            await news.wait_until(lambda: statement.final, _TOGETHER_S)


def _event(message: dict[str, Any], number: int | None = None) -> bytes:
    """A server-sent event; JSON without indentation is one line."""
    begin = "" if number is None else f"id: {number}\r\n"
    return f"{begin}data: {json.dumps(message, default=str)}\r\n\r\n".encode()
