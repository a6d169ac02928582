"""What the routes depend on: the caller, the registry, the wanted session."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from hops_contract.principal import Principal
from hops_livy.errors import BadRequestError
from hops_livy.glances import Glances
from hops_livy.news import News
from hops_livy.places import Places
from hops_livy.registry import Registry
from hops_livy.security import bearer_token, control_plane_of, project_user_of, source_of
from hops_livy.sessions import Session
from hops_livy.settings import Limits

_LARGEST = 2**31


@dataclass(frozen=True, slots=True)
class Caller:
    """A project-user, the network address that they are at, and what they may reach."""

    principal: Principal
    token: str
    source: str
    registry: Registry
    limits: Limits
    glances: Glances
    held: Places
    large_answers: Places

    def place(self) -> ExitStack:
        """Counts one more of the caller's requests that are held open, until it is closed.

        Raises:
            TooManyError: They have as many already.
        """
        return self.held.take(self.principal.user)

    async def hold(self, news: News, until: Callable[[], bool]) -> None:
        """Waits for news; not at all where the caller has so many requests that wait already."""
        place = self.held.take_free(self.principal.user)
        if place is not None:
            with place:
                await news.wait_until(until, self.limits.hold_s)


async def _caller(request: Request) -> Caller:
    state = request.app.state
    principal, token = await project_user_of(request, state.tokens), bearer_token(request)
    if request.query_params.get("doAs", principal.project_user) not in {principal.project_user, principal.user}:
        raise BadRequestError("doAs can't be chosen: a session acts as its owner only.")
    state.registry.check_welcome(principal, token)
    return Caller(
        principal,
        token,
        await source_of(request, state.tokens, state.trusted_networks),
        state.registry,
        state.limits,
        state.glances,
        held=state.held_open,
        large_answers=state.large_answers,
    )


def _program(request: Request) -> str:
    return request.headers.get("user-agent", "")


async def _control_plane(request: Request) -> Registry:
    await control_plane_of(request, request.app.state.tokens)
    registry: Registry = request.app.state.registry
    return registry


CallerDep = Annotated[Caller, Depends(_caller)]
ProgramDep = Annotated[str, Depends(_program)]
ControlPlaneDep = Annotated[Registry, Depends(_control_plane)]
SessionKey = Annotated[str, Path(max_length=200, description="The id, or the name.", examples=["3"])]
StatementId = Annotated[int, Path(ge=0, lt=_LARGEST)]
SessionId = Annotated[int, Path(ge=0, lt=_LARGEST)]
From = Annotated[int, Query(alias="from", ge=0, lt=_LARGEST)]
LogFrom = Annotated[int, Query(alias="from", ge=-1, lt=_LARGEST)]
Size = Annotated[int, Query(ge=-1, le=10000)]
Hold = Annotated[bool, Query(description="Whether to wait for news (up to 20 s).")]


async def _session(session_id: SessionKey, caller: CallerDep) -> Session:
    return caller.registry.sessions.find(caller.principal, _id_or_name(session_id))


async def _batch(batch_id: SessionKey, caller: CallerDep) -> Session:
    return caller.registry.sessions.find(caller.principal, _id_or_name(batch_id), batch=True)


def _id_or_name(key: str) -> int | str:
    if not re.fullmatch(r"-?[0-9]+", key):
        return key
    if len(key) > len(str(_LARGEST)) or not 0 <= int(key) < _LARGEST:
        raise BadRequestError(f"{key[:20]} is no id of a session.")
    return int(key)


SessionDep = Annotated[Session, Depends(_session)]
BatchDep = Annotated[Session, Depends(_batch)]


def log_page(session: Session, start: int, size: int) -> dict[str, object]:
    """Livy's shape of a log; ``from`` -1 means the end of it."""
    lines = session.log()
    size = len(lines) if size < 0 else size
    start = max(0, len(lines) - size) if start < 0 else start
    return {"id": session.id, "from": start, "total": len(lines), "log": lines[start : start + size]}
