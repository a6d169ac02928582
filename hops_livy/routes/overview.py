"""``overview``: everybody's own sessions, Data Owners their project's, administrators all; looked at and ended."""

# ruff: noqa: FAST003 - the session is found by its id in a dependency, which also checks who may see it

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from hops_contract.principal import PrincipalKind
from hops_livy.errors import BadRequestError, ForbiddenError
from hops_livy.overview import Sight, Viewer, find, item, look, stop, stop_idle, version_of
from hops_livy.places import Places
from hops_livy.registry import Registry
from hops_livy.routes.callers import LogFrom, SessionId, Size, log_page
from hops_livy.routes.examples import LOG, OVERVIEW, OVERVIEW_ITEM, gives
from hops_livy.security import bearer_token, principal_of, source_of
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.wire import IdleStop, Scope

router = APIRouter(tags=["overview"])
_LOOKS_APART_S = 0.3
ProjectName = Annotated[
    str | None, Query(max_length=64, description="The project; needed only where the token is bound to none.")
]
After = Annotated[int | None, Query(ge=0, lt=2**31, description="What `next` of the page before says.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Seen = Annotated[str | None, Query(max_length=64, description="`version` of the last answer; see `wait_s`.")]
NotebookPath = Annotated[str | None, Query(max_length=1000, description="A notebook, as its kernel calls it.")]
WaitS = Annotated[float, Query(ge=0, le=20, description="Seconds to wait until the answer is another than `seen`.")]


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who looks, and at what."""

    viewer: Viewer
    registry: Registry
    held: Places


async def _onlooker(request: Request) -> Onlooker:
    state = request.app.state
    principal, token = await principal_of(request, state.tokens), bearer_token(request)
    if principal.kind is PrincipalKind.SERVICE:
        raise ForbiddenError("Sessions are looked after by people; this token belongs to a service.")
    if principal.kind is PrincipalKind.PROJECT_USER:
        state.registry.check_welcome(principal, token)
    return Onlooker(
        Viewer(
            principal=principal,
            token=token,
            standing=state.standing,
            source=await source_of(request, state.tokens, state.trusted_networks),
        ),
        state.registry,
        state.overviews_held,
    )


OnlookerDep = Annotated[Onlooker, Depends(_onlooker)]


async def _seen(session_id: SessionId, onlooker: OnlookerDep) -> Session:
    return (await find(onlooker.viewer, onlooker.registry.sessions.all(), session_id))[0]


SeenDep = Annotated[Session, Depends(_seen)]


@router.get("/overview", responses=gives(OVERVIEW))
async def list_overview(  # noqa: PLR0917 - each is a word of the address
    onlooker: OnlookerDep,
    http: Request,
    scope: Scope = Scope.OWN,
    project: ProjectName = None,
    after: After = None,
    limit: Limit = 100,
    seen: Seen = None,
    wait_s: WaitS = 0,
    notebook: NotebookPath = None,
) -> dict[str, Any]:
    """Sessions and batches, newest first: own, all of a project (its Data Owners), or all (administrators).

    With `seen` and `wait_s` it is held until there is something new; eight at the same moment for a person, else 429.
    Of others' statements no code is told. `queue` is the place of one that waits for resources. With `notebook` it is
    of the caller's own sessions for that notebook, also of those that ended within a day; else ended ones are told of
    for an hour. `kept_ready` tells an administrator what the sessions take that are started ahead for those who will
    ask for them; they stand in no list.
    """
    viewer, registry = onlooker.viewer, onlooker.registry
    if notebook is not None:
        return _told(Scope.OWN, _of_notebook(onlooker, notebook), after, limit)
    sight = await look(viewer, scope, project)
    if wait_s and seen is not None:
        # All is put together anew for it, and something may happen to somebody all the time.
        with onlooker.held.take(viewer.principal.user):
            news = registry.news.wait_until(
                lambda: version_of(_items(sight, onlooker)) != seen, wait_s, apart_s=_LOOKS_APART_S
            )
            await hold(news, http.receive)
        # Time has passed: who is a Data Owner no longer sees nothing of what came meanwhile.
        sight = await look(viewer, scope, project)
    answer = _told(scope, _items(sight, onlooker), after, limit)
    return answer | {"kept_ready": _kept_ready(registry)} if scope is Scope.ALL else answer


@router.get("/overview/{session_id}", responses=gives(OVERVIEW_ITEM))
async def get_overview(session: SeenDep, onlooker: OnlookerDep) -> dict[str, Any]:
    """One of them."""
    return item(session, onlooker.viewer)


@router.get("/overview/{session_id}/log", responses=gives(LOG))
async def get_overview_log(session: SeenDep, start: LogFrom = -1, size: Size = 100) -> dict[str, object]:
    """Lines of its driver's log; `from` -1 means its end."""
    return log_page(session, start, size)


@router.delete("/overview/{session_id}", responses=gives({**OVERVIEW_ITEM, "state": "killed"}))
async def stop_one(session_id: SessionId, onlooker: OnlookerDep) -> dict[str, Any]:
    """Ends it with all its processes; it stays in the list with the reason, which its owner reads in the notebook."""
    session, title = await find(onlooker.viewer, onlooker.registry.sessions.all(), session_id, newest=True)
    await stop(session, onlooker.viewer, title)
    return item(session, onlooker.viewer)


@router.post("/overview:stop-idle", responses=gives({"ended": [3, 5]}))
async def stop_all_idle(request: IdleStop, onlooker: OnlookerDep) -> dict[str, Any]:
    """Ends all idle sessions of a scope, or those that are named and idle; busy ones go on."""
    sight = await look(onlooker.viewer, request.scope, request.project, newest=True)
    wanted = None if request.sessions is None else set(request.sessions)
    chosen = [
        one for one in onlooker.registry.sessions.all() if sight.includes(one) and (wanted is None or one.id in wanted)
    ]
    return {"ended": await stop_idle(chosen, onlooker.viewer, sight.title)}


async def hold(waiting: Coroutine[Any, Any, object], receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    """Holds a request until ``waiting`` is over, or its client has gone.

    Args:
        waiting: Ends when there is news, or when it has been waited for long enough.
        receive: Of ASGI: what the client sends; that it has gone comes last.
    """
    watched = [asyncio.ensure_future(waiting), asyncio.ensure_future(_gone(receive))]
    try:
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in watched:
            task.cancel()
        await asyncio.gather(*watched, return_exceptions=True)


async def _gone(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _told(scope: Scope, items: list[dict[str, Any]], after: int | None, limit: int) -> dict[str, Any]:
    page = [one for one in items if after is None or one["id"] < after]
    return {
        "scope": str(scope),
        "items": page[:limit],
        "next": page[limit - 1]["id"] if len(page) > limit else None,
        "total": len(items),
        "idle": sum(one["state"] == SessionState.IDLE for one in items),
        "version": version_of(items),
        "kept_ready": None,
    }


def _of_notebook(onlooker: Onlooker, notebook: str) -> list[dict[str, Any]]:
    viewer = onlooker.viewer
    if viewer.is_person:
        raise BadRequestError("A notebook belongs to one project; ask with the token of its notebook server.")
    found = reversed(onlooker.registry.sessions.of_notebook(viewer.principal.project_user, notebook))
    return [item(session, viewer) for session in found]


def _kept_ready(registry: Registry) -> dict[str, int]:
    amount = registry.kept_ready()
    return {"sessions": amount.sessions, "memory_mib": amount.memory_mib}


def _items(sight: Sight, onlooker: Onlooker) -> list[dict[str, Any]]:
    return [
        item(session, onlooker.viewer)
        for session in reversed(onlooker.registry.sessions.all())
        if sight.includes(session)
    ]
