"""What became of Spark sessions, from the session service into the audit.

Laws:

1. Each is a row once: how far they are heard is written with the rows, in one transaction, and of several processes
   that hear the same one writes it.
2. The session service forgets what it is asked beyond, which is what is committed here.
3. A project does not inherit the sessions of one that had its name before: they may end when it is there already.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_contract.happenings import HowSession, SessionHappening, SessionHappenings
from hops_contract.principal import PrincipalKind
from hops_platform.audit.actions import Action, ActorKind, Outcome
from hops_platform.audit.events import Event
from hops_platform.audit.trail import record
from hops_platform.database import Database
from hops_platform.engines.sessions import SparkSessions
from hops_platform.errors import EngineUnavailableError
from hops_platform.projects.models import Project
from hops_platform.sessions.models import THE_SERVICE, SessionsHeard

AT_ONCE = 200
"""Rows of one transaction."""
_OF_NO_PROJECT = uuid.UUID(int=0)
_KINDS = {PrincipalKind.USER: ActorKind.USER, PrincipalKind.PROJECT_USER: ActorKind.PROJECT_USER}


def hear(database: Database, sessions: SparkSessions) -> int:
    """Writes all that is new; returns how much that was. Nothing while the session service does not answer.

    Raises:
        PlatformError: It answers what can't be understood.
    """
    written = 0
    while True:
        with database.session(writes=False) as session:
            heard = session.get(SessionsHeard, THE_SERVICE)
            stream, number = ("", 0) if heard is None else (heard.stream, heard.number)
        try:
            told = sessions.happened(stream, number, limit=AT_ONCE)
        except EngineUnavailableError:
            return written  # the engines' page tells that; what happens meanwhile is kept there
        if not told.items:
            return written
        with database.session() as session:
            if not _write(session, told, stream=stream, number=number):
                return written  # another process was faster
        written += len(told.items)
        if len(told.items) < AT_ONCE:
            return written


def _write(session: Session, told: SessionHappenings, *, stream: str, number: int) -> bool:
    heard = session.get(SessionsHeard, THE_SERVICE, with_for_update=True)
    if heard is None:
        heard = SessionsHeard(id=THE_SERVICE, stream="", number=0)
        session.add(heard)
        session.flush()
    if (heard.stream, heard.number) != (stream, number):
        return False
    expected = number + 1 if told.stream == stream else 1
    for one in told.items:
        if one.number > expected:
            record(session, _missed(expected, one.number))
        happened = event_of(one)
        record(session, replace(happened, project_id=_OF_NO_PROJECT) if _was_before(session, one) else happened)
        expected = one.number + 1
    heard.stream, heard.number = told.stream, told.items[-1].number
    return True


def _was_before(session: Session, one: SessionHappening) -> bool:
    if one.since is None:
        return False
    created = session.scalar(select(Project.created_at).where(Project.name == one.project))
    return created is not None and one.since < created


def event_of(one: SessionHappening) -> Event:
    """What became of a session, as an event of the audit."""
    begun = one.what is HowSession.BEGUN
    by = one.by.user if one.by is not None else ""
    owner = {} if by == one.owner else {"user": one.owner}
    return Event(
        action=Action.SESSION_START if begun else Action.SESSION_END,
        outcome=Outcome.FAILED if begun and one.reason else Outcome.DONE,
        actor=by or "hops",
        actor_kind=_KINDS.get(one.by.kind, ActorKind.SERVICE) if one.by is not None else ActorKind.SERVICE,
        project=one.project,
        thing=str(one.session),
        source=one.source,
        reason=one.reason,
        details={**one.details, **owner},
        moment=one.at,
    )


def _missed(first: int, following: int) -> Event:
    return Event(
        action=Action.SESSION_MISS,
        outcome=Outcome.FAILED,
        actor="hops",
        actor_kind=ActorKind.SERVICE,
        reason="The session service had more to tell than it keeps while the control plane is away.",
        details={"first": first, "last": following - 1},
    )
