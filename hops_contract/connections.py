"""Connections that bring nothing, or take nothing, are closed: each keeps a place and memory.

uvicorn closes one that stays silent after an answer. This closes as well

- one whose request does not come: from its first byte, or from the connection's beginning, to the end of its headers it
  has so many seconds and so many bytes. (How long a body may take is :class:`hops_contract.bodies.BodyLimit`'s.)
- one that does not read its answer: what is ready for it must become less in so many seconds.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_S = 30.0
HEADERS_BYTES = 64 * 1024
UNREAD_S = 60.0
KEEP_ALIVE_S = 75
"""Longer than a person thinks between two cells, and than a client pauses between two looks: the proxy in front asks on
a connection that it has, and answers 503 where that is closed at the same moment. uvicorn's own 5 s is how often pages
look for what is new."""


class BoundedConnection(HttpToolsProtocol):
    """See the module, and uvicorn."""

    _headers_due: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _reading_due: asyncio.TimerHandle | None = None
    waits_since: float | None = None
    """When it began to wait for a request, by the loop's clock; ``None`` while there is one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        self.waits_since = self.loop.time()
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        super().data_received(data)
        if self._headers_due is not None:
            self._header_bytes += len(data)
            if self._header_bytes > HEADERS_BYTES:
                self.transport.abort()
        elif self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None:
            # uvicorn (0.54) waits without end after anything that begins no request.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        """See httptools: a request has begun to come."""
        super().on_message_begin()
        self._header_bytes = 0
        self._expect_headers()

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
        self.waits_since = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """See uvicorn: an answer has been given."""
        super().on_response_complete()
        if self.cycle.response_complete:  # else the next request was here already
            self.waits_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        for timer in (self._headers_due, self._reading_due):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See :class:`asyncio.Protocol`: much is ready that has not been read."""
        super().pause_writing()
        self._expect_reading(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        super().resume_writing()
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None

    def _expect_headers(self) -> None:
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(HEADERS_S, self.transport.abort)

    def _expect_reading(self, ready: int) -> None:
        self._reading_due = self.loop.call_later(UNREAD_S, self._look_at_reading, ready)

    def _look_at_reading(self, before: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now >= before:
            # Not closed: that would wait until all is read.
            self.transport.abort()
        else:
            self._expect_reading(now)
