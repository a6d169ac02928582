"""``sessions``: the session service's ``overview`` for people who are logged in here.

A browser has this service's cookie and no token. So its calls come here and are handed on with a token of the caller's
own, which no browser sees. Who sees and ends which session the session service decides, by the caller's role of the
moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ValidationError

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records, source_of
from hops_platform.errors import EngineRefusedError
from hops_platform.http import DatabaseSession, PartsOf, StepAside
from hops_platform.parts import Parts
from hops_platform.security.authentication import Caller
from hops_platform.security.guard import Requires
from hops_platform.security.kept_tokens import KeptTokens
from hops_platform.security.permissions import Permission
from hops_platform.sessions.schemas import (
    IdleStop,
    Scope,
    SessionLog,
    SessionNumber,
    SparkSession,
    SparkSessionList,
    Stopped,
)

router = APIRouter(tags=["sessions"])
Looks = Annotated[Caller, Depends(Requires(Permission.SESSIONS_READ))]
Stops = Annotated[Caller, Depends(Requires(Permission.SESSIONS_STOP))]
SessionId = Annotated[SessionNumber, Path(examples=[3])]
ProjectName = Annotated[
    str | None, Query(max_length=MAX_SLUG_LENGTH, description="The project, for the scope 'project'.")
]
AfterId = Annotated[int | None, Query(ge=0, lt=2**31, description="The 'next' of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
Seen = Annotated[str | None, Query(max_length=64, description="The 'version' of the last answer; see 'wait_s'.")]
Told = TypeVar("Told", bound=BaseModel)
WaitS = Annotated[float, Query(ge=0, le=20, description="Seconds to wait until the answer is another than 'seen'.")]


@router.get("/sessions")
def list_sessions(  # noqa: PLR0917 - each is a word of the address
    caller: Looks,
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    scope: Scope = Scope.OWN,
    project: ProjectName = None,
    after: AfterId = None,
    limit: Limit = 100,
    seen: Seen = None,
    wait_s: WaitS = 0,
) -> SparkSessionList:
    """Spark sessions and batches: own, all of a project (its Data Owners), or all (administrators)."""
    token = _token(caller, parts.kept_tokens)
    session.commit()  # nobody waits for the database while the answer is held
    asked = {"scope": scope.value, "project": project, "after": after, "limit": limit, "seen": seen}
    query = {name: str(value) for name, value in asked.items() if value is not None}
    with _asking(parts, caller, step_aside) as may_wait:
        found = parts.engines.sessions.look(token, query, wait_s=wait_s if seen and may_wait else 0)
    return _told(SparkSessionList, found)


@router.get("/sessions/{session_id}/log")
def read_session_log(  # noqa: PLR0917 - each is a word of the address, or a part
    session_id: SessionId,
    caller: Looks,
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    size: Limit = 200,
) -> SessionLog:
    """The last lines of the log of one that the caller may look after."""
    token = _token(caller, parts.kept_tokens)
    session.commit()
    with _asking(parts, caller, step_aside):
        found = parts.engines.sessions.log(token, session_id, size=size)
    return _told(SessionLog, found)


@router.delete("/sessions/{session_id}", dependencies=[records(Action.SESSION_STOP, "session_id")])
def stop_session(  # noqa: PLR0917 - the request, and parts
    session_id: SessionId,
    caller: Stops,
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
    http: Request,
) -> SparkSession:
    """Ends one; it stays in the list with the reason, which its owner reads in the notebook."""
    token = _token(caller, parts.kept_tokens)
    session.commit()
    with _asking(parts, caller, step_aside):
        stopped = parts.engines.sessions.stop(token, session_id, source=source_of(http))
    told = _told(SparkSession, stopped)
    known.project, known.details["user"] = told.project, told.user
    return told


@router.post("/sessions:stop-idle", dependencies=[records(Action.SESSION_STOP_IDLE)])
def stop_idle_sessions(  # noqa: PLR0917 - the request, and parts
    request: IdleStop,
    caller: Stops,
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
    http: Request,
) -> Stopped:
    """Ends all idle ones of a scope, or those that are named and idle; busy ones go on."""
    token = _token(caller, parts.kept_tokens)
    session.commit()
    wanted = request.model_dump(mode="json", exclude_none=True)
    known.details["scope"] = request.scope.value
    if request.scope is Scope.PROJECT:  # else whose name it is would not be checked
        known.project = request.project
    with _asking(parts, caller, step_aside):
        ended = parts.engines.sessions.stop_idle(token, wanted, source=source_of(http))
    known.details["ended"] = [str(number) for number in ended]
    return Stopped(ended=list(ended))


def _told(kind: type[Told], found: Mapping[str, Any]) -> Told:
    """What the session service said, if it is what was agreed on.

    Raises:
        EngineRefusedError: It is not.
    """
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise EngineRefusedError(
            "The session service answered without what is needed.", remedy="It may be of another version: restart it."
        ) from error


@contextmanager
def _asking(parts: Parts, caller: Caller, step_aside: StepAside) -> Iterator[bool]:
    """A call to the session service; tells whether it may wait for news."""
    with parts.session_places.take(caller.person.name) as may_wait:
        # Bounded by that from now on. The session service asks back here, in the caller's name, and needs a place.
        step_aside()
        yield may_wait


def _token(caller: Caller, kept: KeptTokens) -> str:
    """A token of the caller's own; only the session service is shown it."""
    person = caller.person
    return kept.of_user(person.name, admin=caller.administrates, valid_from=person.tokens_valid_from)
