"""What a project uses of what it may use, beside its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hops_contract.options import ServerLimits
from hops_platform.engines import Engines
from hops_platform.engines.hub import Hub
from hops_platform.engines.sessions import SessionsUse
from hops_platform.errors import EngineRefusedError, EngineUnavailableError, QuotaExceededError
from hops_platform.kafka.models import Topic
from hops_platform.projects.models import Project
from hops_platform.quotas.models import StorageUse
from hops_platform.quotas.schemas import Counted, ProjectUse, UseAnswer
from hops_platform.quotas.service import limits_of, storage_limit

Told = TypeVar("Told")


def show_use(session: Session, project: Project, engines: Engines) -> ProjectUse:
    """What ``project`` uses; what an engine that does not answer knows is left open. Ends the transaction."""
    limits, row = limits_of(session, project), session.get(StorageUse, project.id)
    topics = session.scalar(select(func.count()).select_from(Topic).where(Topic.project_id == project.id)) or 0
    session.commit()  # nobody waits for the database while engines are asked
    servers = _asked(lambda: len(_users_with_servers(engines.hub, project.name)))
    sessions = _asked(lambda: engines.sessions.use_of(project.name))
    used = _used(servers, sessions) | {
        Counted.HOMES_BYTES: row.homes_bytes if row is not None else 0,
        Counted.STORAGE_BYTES: row.used if row is not None else 0,
        Counted.TOPICS: topics,
    }
    most = most_of(limits)
    return ProjectUse(
        items=[UseAnswer(what=what, used=used[what], limit=most[what]) for what in Counted],
        storage_counted_at=row.counted_at if row is not None else None,
    )


def most_of(limits: ServerLimits) -> Mapping[Counted, int | None]:
    """The most of what is counted for all of a project together."""
    return {
        Counted.EXECUTORS: limits.max_project_executors,
        Counted.GPUS: limits.max_project_gpus,
        Counted.HOMES_BYTES: None,  # what storage may have, with the rest of it
        Counted.MEMORY_MIB: limits.max_project_memory_mib,
        Counted.SERVERS: limits.max_project_servers,
        Counted.SESSIONS: limits.max_project_sessions,
        Counted.STORAGE_BYTES: storage_limit(limits),
        Counted.TOPICS: limits.max_project_topics,
    }


def check_room_for_server(session: Session, project: Project, user: str, hub: Hub) -> None:
    """Checks that the server of ``user`` may run beside those that do. Ends the transaction where it asks the Hub.

    Raises:
        EngineUnavailableError: The Hub does not tell which do.
        QuotaExceededError: As many as may.
    """
    most = limits_of(session, project).max_project_servers
    if most is None:
        return
    session.commit()  # nobody waits for the database while the Hub is asked
    others = _users_with_servers(hub, project.name) - {user}
    if len(others) >= most:
        raise QuotaExceededError(
            f"No more notebook servers may run in the project {project.name!r}: its limit is {most}.",
            remedy="Wait until one of them has stopped; its owner or the idle time stops it.",
        )


def _users_with_servers(hub: Hub, project: str) -> set[str]:
    return {server.user for server in hub.running_servers() if server.name == project}


def _used(servers: int | None, sessions: SessionsUse | None) -> dict[Counted, int | None]:
    return {
        Counted.EXECUTORS: sessions.executors if sessions else None,
        Counted.GPUS: sessions.gpus if sessions else None,
        Counted.MEMORY_MIB: sessions.memory_mib if sessions else None,
        Counted.SERVERS: servers,
        Counted.SESSIONS: sessions.sessions if sessions else None,
    }


def _asked(ask: Callable[[], Told]) -> Told | None:
    try:
        return ask()
    except (EngineRefusedError, EngineUnavailableError):
        return None  # the rest is of use without it
