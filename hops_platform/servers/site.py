"""The projects of the whole site, as an administrator sees them: who answers for them and what they use, no files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hops_contract.options import Capacity, ServerLimits
from hops_platform.engines.hub import Hub, RunningServer
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.kafka.models import Topic
from hops_platform.projects.finding import matching, owners_of
from hops_platform.projects.models import Project
from hops_platform.quotas.models import ProjectLimits, StorageUse
from hops_platform.quotas.service import default_limits
from hops_platform.servers.schemas import SiteProject, SiteProjects


def find_projects(search: str) -> Select[Project]:
    """The projects in whose name or title ``search`` occurs, in any case of letters; all when it is empty."""
    return matching(select(Project).where(Project.deleted_at.is_(None)), search, Project.name, Project.title)


def show_projects(
    session: Session, projects: Sequence[Project], *, hub: Hub, capacity: Capacity, following: str | None
) -> SiteProjects:
    """A page of projects on the wire; without servers when the Hub does not answer."""
    ids = [project.id for project in projects]
    owners = owners_of(session, ids)
    limits = {
        row.project_id: ServerLimits.model_validate(row.limits)
        for row in session.scalars(select(ProjectLimits).where(ProjectLimits.project_id.in_(ids)))
    }
    defaults = default_limits(session)
    uses = {
        row.project_id: row.used for row in session.scalars(select(StorageUse).where(StorageUse.project_id.in_(ids)))
    }
    counted = select(Topic.project_id, func.count()).where(Topic.project_id.in_(ids)).group_by(Topic.project_id)
    topics: dict[UUID, int] = {row[0]: row[1] for row in session.execute(counted)}
    session.commit()  # nobody waits for the database while the Hub is asked
    running = _running(hub)
    return SiteProjects(
        items=[
            SiteProject(
                name=project.name,
                title=project.title,
                owners=owners[project.id],
                limits=limits.get(project.id, defaults),
                storage_bytes=uses.get(project.id, 0),
                topics=topics.get(project.id, 0),
                archived_at=project.archived_at,
                running=None if running is None else sorted(running[project.name]),
                created_at=project.created_at,
            )
            for project in projects
        ],
        next=following,
        capacity=capacity,
    )


def _running(hub: Hub) -> dict[str, list[str]] | None:
    try:
        servers: Sequence[RunningServer] = hub.running_servers()
    except (EngineRefusedError, EngineUnavailableError):
        return None  # the rest of the list is of use without it
    users: dict[str, list[str]] = defaultdict(list)
    for server in servers:
        users[server.name].append(server.user)
    return users
