"""Sessions as people look after them: who sees whose, what they are told of each, and how they end them.

Laws, each with a test in ``tests/unit/livy/test_overview.py``:

- Everybody sees their own sessions, a Data Owner those of the project, an administrator all. What one does not see is
  absent.
- A role is the one of this moment (:mod:`hops_livy.standing`), never the token's.
- Code is its author's: of another's session the state and the times of a statement are told, not what it says nor in
  which notebook. Who ends a session needs no more.
- Looking on is no sign of life: a session that its own client has left ends with its heartbeat, however many watch.
- What ends by another's hand stays in the list with the reason, which also stands in the owner's notebook.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.errors import BadRequestError, ForbiddenError, NotFoundError
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.standing import Standing
from hops_livy.statements import Statement, StatementState
from hops_livy.wire import Scope

LOG = logging.getLogger(__name__)
_MS_PER_S = 1000
_OF_THE_CLOCK = frozenset({"idle_since", "ends", "heard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks.

    Attributes:
        principal: A person, or a person inside one project.
        token: Their token, to ask for their role with.
        standing: Tells what they are at this moment.
        source: The network address that they are at.
    """

    principal: Principal
    token: str
    standing: Standing
    source: str = ""

    @property
    def is_person(self) -> bool:
        """Whether it is a person everywhere they are a member, not inside one project."""
        return self.principal.kind is PrincipalKind.USER

    def owns(self, session: Session) -> bool:
        """Whether ``session`` is the viewer's own."""
        if self.is_person:
            return session.owner.user == self.principal.user
        return session.owner.project_user == self.principal.project_user

    async def is_administrator(self, *, newest: bool) -> bool:
        """Whether they are an administrator; also finds out whether a person's token is still good."""
        return self.is_person and await self.standing.is_administrator(self.token, newest=newest)

    async def is_data_owner(self, project: str, *, newest: bool) -> bool:
        """Whether they are a Data Owner of ``project``."""
        return await self.role_in(project, newest=newest) is ProjectRole.DATA_OWNER

    async def role_in(self, project: str, *, newest: bool) -> ProjectRole | None:
        """Their role in ``project``; inside of one project there is no other."""
        if not self.is_person and self.principal.project != project:
            return None
        return await self.standing.role_in(project, self.token, newest=newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a viewer sees of a scope.

    Attributes:
        includes: Whether a session belongs to it.
        title: What the viewer is towards sessions that are not their own, in words.
    """

    includes: Callable[[Session], bool]
    title: str


async def look(viewer: Viewer, scope: Scope, project: str | None, *, newest: bool = False) -> Sight:
    """What ``viewer`` sees of ``scope``.

    Args:
        viewer: Who looks.
        scope: Whose sessions are wanted.
        project: Of which project; the viewer's own, when left out, if they are inside one.
        newest: Whether the role is asked for anew, because something is to be ended.

    Raises:
        BadRequestError: It does not say of which project.
        ForbiddenError: The viewer is not of the role that this needs.
        NotFoundError: There is no such project that the viewer can see.
    """
    administrator = await viewer.is_administrator(newest=newest)
    if scope is Scope.ALL:
        if not administrator:
            raise ForbiddenError("Only an administrator sees everybody's sessions.")
        return Sight(includes=lambda _session: True, title=_administrator(viewer))
    if scope is Scope.OWN:
        return Sight(includes=viewer.owns, title="")
    wanted = project or viewer.principal.project
    if wanted is None:
        raise BadRequestError("Say which project's sessions you want.", remedy="Add project=… to the address.")
    role = await viewer.role_in(wanted, newest=newest)
    if role is None and not administrator:
        raise NotFoundError(f"There is no project {wanted!r} that you can see.")
    if role is not ProjectRole.DATA_OWNER and not administrator:
        raise ForbiddenError(f"Only a Data Owner sees the sessions of all members of project {wanted}.")
    title = _data_owner(viewer) if role is ProjectRole.DATA_OWNER else _administrator(viewer)
    return Sight(includes=lambda session: session.owner.project == wanted, title=title)


async def find(
    viewer: Viewer, sessions: Iterable[Session], session_id: int, *, newest: bool = False
) -> tuple[Session, str]:
    """The session or batch of that number, and what ``viewer`` is towards it (nothing towards their own).

    Raises:
        NotFoundError: It is absent, or not for the viewer to see.
    """
    session = next((session for session in sessions if session.id == session_id), None)
    # Asked before it is looked whether there is such a session, so that no answer tells that.
    administrator = await viewer.is_administrator(newest=newest)
    if session is not None and viewer.owns(session):
        return session, ""
    own_project = viewer.principal.project
    sees = own_project is not None and await viewer.is_data_owner(own_project, newest=newest)
    if session is not None:
        project = str(session.owner.project)
        if viewer.is_person:
            sees = await viewer.is_data_owner(project, newest=newest)
        if sees and (viewer.is_person or own_project == project):
            return session, _data_owner(viewer)
        if administrator:
            return session, _administrator(viewer)
    raise NotFoundError(f"There is no session {session_id} that you can see.")


async def stop(session: Session, viewer: Viewer, title: str) -> None:
    """Ends ``session``, in the name of ``title``; it stays in the list, with the reason."""
    if session.final or session.state is SessionState.SHUTTING_DOWN:
        return
    await _end(session, viewer, f"It was stopped by {title}." if title else "It was stopped by its owner.")


async def stop_idle(sessions: Iterable[Session], viewer: Viewer, title: str) -> list[int]:
    """Ends those of ``sessions`` that do nothing; returns their numbers."""
    ended = await asyncio.gather(*(_end_if_idle(session, viewer, title) for session in sessions))
    return sorted(number for number in ended if number is not None)


def item(session: Session, viewer: Viewer) -> dict[str, Any]:
    """A session as ``viewer`` is told of it. Times are seconds since the epoch."""
    own = viewer.owns(session)
    last = next(reversed(session.statements.values()), None)
    return {
        "id": session.id,
        "name": session.name,
        "owner": session.owner.project_user,
        "project": session.owner.project,
        "user": session.owner.user,
        "own": own,
        "kind": session.kind,
        "state": str(session.state),
        "reason": session.why or None,
        "kernel": session.kernel,
        "notebook": session.notebook if own else None,
        "app_id": None if session.driver is None else session.driver.app_id,
        "created": round(session.created, 3),
        "idle_since": _idle_since(session),
        "idle_timeout_s": session.timeouts.idle_s,
        "ends": moment(session.ends),
        "heard": moment(time.time() + session.last_heard - time.monotonic()),
        "statements": 0 if last is None else last.id + 1,
        "waiting": _waiting(session),
        "queue": None if session.place is None else session.place.shown(),
        "last_statement": None if last is None else _statement(last, with_code=own),
        "resources": resources(session),
        "spark_ui": session.page_path if own else None,
    }


def resources(session: Session) -> dict[str, Any]:
    """The resources that a session asked for, and the GPUs that it has. Memory is in MiB."""
    shape = session.shape
    return {
        "dynamic": shape.dynamic,
        "executors": shape.executors,
        "min_executors": shape.min_executors,
        "max_executors": shape.max_executors,
        "executor_cores": shape.executor_cores,
        "executor_memory_mib": shape.executor_memory_mib,
        "driver_memory_mib": shape.driver_memory_mib,
        "gpus_per_executor": shape.gpus_per_executor,
        "gpu_label": shape.gpu_label,
        "gpus": list(session.gpus),
    }


def moment(seconds: float | None) -> float | None:
    """Seconds since the epoch, as they are told."""
    return None if seconds is None else round(seconds, 1)


def version_of(items: Sequence[dict[str, Any]]) -> str:
    """Short for what ``items`` say, the same for the same; the clock's walk changes nothing."""
    said = [{name: value for name, value in one.items() if name not in _OF_THE_CLOCK} for one in items]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:16]


async def _end_if_idle(session: Session, viewer: Viewer, title: str) -> int | None:
    if session.state is not SessionState.IDLE or await session.works():
        return None
    # Looked at in the very step that ends it: a cell that came meanwhile keeps its session.
    if session.state is not SessionState.IDLE:
        return None
    whose = title if title and not viewer.owns(session) else "its owner"
    await _end(session, viewer, f"It was idle and was stopped by {whose}.")
    return session.id


async def _end(session: Session, viewer: Viewer, reason: str) -> None:
    LOG.info("session %d of %s is ended by %s", session.id, session.owner.project_user, viewer.principal.user)
    await session.end(reason, by=viewer.principal, source=viewer.source)


def _data_owner(viewer: Viewer) -> str:
    return f"Data Owner {viewer.principal.user}"


def _administrator(viewer: Viewer) -> str:
    return f"administrator {viewer.principal.user}"


def _idle_since(session: Session) -> float | None:
    if session.state is not SessionState.IDLE:
        return None
    return round(time.time() - (time.monotonic() - session.last_active), 1)


def _waiting(session: Session) -> int:
    waiting = 0
    # They are the last; of hundreds of statements not all are looked at whenever something happens.
    for statement in reversed(session.statements.values()):
        if statement.state is StatementState.WAITING:
            waiting += 1
        elif statement.state is not StatementState.CANCELLED:
            break
    return waiting


def _statement(statement: Statement, *, with_code: bool) -> dict[str, Any]:
    executed = statement.executed
    return {
        "id": statement.id,
        "state": str(statement.state),
        "status": None if executed is None else executed.status,
        "started": statement.started_ms / _MS_PER_S or None,
        "completed": statement.completed_ms / _MS_PER_S or None,
        "line": statement.line if with_code else None,
    }
