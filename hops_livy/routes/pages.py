"""``sessions/{id}/ui/…``: Spark's own pages, for the owner of the session alone."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks whose it is

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from hops_livy.errors import ConflictError, NotFoundError, UnavailableError
from hops_livy.pages import usable_prefix
from hops_livy.routes.callers import SessionDep
from hops_livy.routes.examples import gives
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session

router = APIRouter(tags=["sessions"])
_PARTS = re.compile(r"(.*?/sessions/[^/]+/ui)(/.*)")


@router.get("/sessions/{session_id}/ui", include_in_schema=False)
async def lead_to_pages(_session: SessionDep, request: Request) -> RedirectResponse:
    """The pages' own links begin below it."""
    return RedirectResponse(f"{request.url.path}/", status_code=307)


@router.get(
    "/sessions/{session_id}/ui/{page:path}",
    response_class=StreamingResponse,
    responses=gives("<!DOCTYPE html><html>…</html>", 200, "text/html"),
)
async def show_page(session: SessionDep, page: str, request: Request) -> StreamingResponse:  # noqa: ARG001 - see `_split_path`
    """A page of the session's Spark (jobs, stages, storage, SQL …), a file of it, or an answer of Spark's own REST API.

    For the owner alone, only for looking, and only while the session is there. With ``X-Forwarded-Context`` the pages'
    links begin with another path than this one's. Eight at the same moment for a person; who waits too long for a place
    gets 429.
    """
    here, target = _split_path(request)
    query = request.url.query
    async with AsyncExitStack() as place:
        await place.enter_async_context(request.app.state.page_places.wait_for(session.owner.user))
        pages = await session.driver.spark_pages() if session.driver is not None and not session.final else None
        if pages is None:
            raise _no_pages(session)
        status, headers, body = await request.app.state.page_reader.read(
            pages,
            f"{target}?{query}" if query else target,
            headers=request.headers,
            prefix=usable_prefix(request.headers.get("x-forwarded-context"), here),
        )
        return _PageResponse(body, status, {**headers, "x-content-type-options": "nosniff"}, place.pop_all())


class _PageResponse(StreamingResponse):
    """A page that keeps its place until it is sent, or whoever asked has gone."""

    def __init__(
        self, body: AsyncIterator[bytes], status: int, headers: Mapping[str, str], place: AsyncExitStack
    ) -> None:
        super().__init__(body, status_code=status, headers=headers)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._place:
            await super().__call__(scope, receive, send)


def _split_path(request: Request) -> tuple[str, str]:
    """Where the pages begin, and the page's path from there on; as they were sent, with encoded slashes in names."""
    sent: str = request.scope["raw_path"].decode("ascii", "replace")
    parts = _PARTS.match(sent)
    if parts is None:
        raise NotFoundError("There is nothing at this address.")
    return parts[1], parts[2]


def _no_pages(session: Session) -> ConflictError | UnavailableError:
    if session.final or session.state is SessionState.SHUTTING_DOWN:
        return ConflictError(
            f"Session {session.id} has ended, and Spark's pages with it. {session.reason}".strip(),
            remedy=f"Its log is kept for an hour: in Lab's sidebar 'Spark sessions', or GET sessions/{session.id}/log.",
        )
    if session.state is SessionState.STARTING:
        return ConflictError(
            f"Session {session.id} is starting; Spark's pages come with it.", remedy="Try again in a moment."
        )
    return UnavailableError(
        f"The Spark of session {session.id} shows no pages.",
        remedy="Only sessions that this platform runs itself have them, and of these none from before an update.",
    )
