"""Answers that are sent for as long as their reader reads: downloads and exports.

One holds a place among the transfers of its reader, and is broken off where the reader does not read, or may no longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hops_platform.engines.leave import Leave
from hops_platform.errors import PlatformError, TooManyError
from hops_platform.http import answer_problem
from hops_platform.transfers import Transfers

PATIENCE_S = 120.0
"""How long a reader may take for a piece: a place is not held by one who does not read."""
LONGEST_S = 3600.0
"""How long one call may last. Who wants the rest of a file asks for it with a range, as browsers do at 'resume'."""


class CutShortError(Exception):
    """There are fewer bytes than were announced."""


class LongAnswer(Response):
    """What is sent piece by piece.

    Args:
        pieces: Its bytes; they end with :class:`CutShortError` where something is missing.
        headers: Of the answer.
        media_type: Of the answer.
        status_code: Of the answer.
        transfers: Bounds how many are sent at once.
        person: Whose place it takes.
        leave: Looked at from time to time; where it ends, the answer does.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        *,
        headers: Mapping[str, str],
        media_type: str,
        status_code: int = 200,
        transfers: Transfers,
        person: str,
        leave: Leave,
    ) -> None:
        super().__init__(None, status_code=status_code, headers=headers, media_type=media_type)
        if "Content-Length" not in headers:
            del self.headers["Content-Length"]  # of no body, as Starlette takes it
        self._pieces = pieces
        self._transfers = transfers
        self._person = person
        self._leave = leave
        self._end = time.monotonic() + LONGEST_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the pieces."""
        try:
            with self._transfers.places.take(self._person):
                await self._send(receive, send)
        except TooManyError as error:
            await answer_problem(Request(scope), error)(scope, receive, send)

    async def _send(self, receive: Receive, send: Send) -> None:
        """Without its end an answer is a broken one, as its reader sees."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        gone = asyncio.ensure_future(_hung_up(receive))
        try:
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    if not await self._goes_on():
                        return
                    async with asyncio.timeout(PATIENCE_S):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                    if gone.done():
                        return
        except (TimeoutError, CutShortError):
            return
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _goes_on(self) -> bool:
        clock = time.monotonic()
        if clock >= self._end:
            return False
        if self._leave.is_due:
            try:
                await self._transfers.run(self._leave.check)
            except PlatformError:
                return False
        return True


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
