"""The projects of the whole site, as an administrator sees them: who answers for them and what they use, no files."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from hops_contract.options import Capacity, ServerLimits
from hops_contract.principal import ProjectRole
from hops_platform.engines.hub import Hub, RunningServer
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.projects.models import Membership, Project
from hops_platform.servers.models import ProjectLimits
from hops_platform.servers.schemas import SiteProject, SiteProjects
from hops_platform.users.models import User


def find_projects(search: str) -> Select[Project]:
    """The projects in whose name or title ``search`` occurs, in any case of letters; all when it is empty."""
    query = select(Project).where(Project.deleted_at.is_(None))
    sought = search.strip().lower()
    if not sought:
        return query
    return query.where(
        or_(
            Project.name.contains(sought, autoescape=True),
            func.lower(Project.title).contains(sought, autoescape=True),
        )
    )


def show_projects(
    session: Session, projects: Sequence[Project], *, hub: Hub, capacity: Capacity, following: str | None
) -> SiteProjects:
    """A page of projects on the wire; without servers when the Hub does not answer."""
    ids = [project.id for project in projects]
    owners = _owners(session, ids)
    limits = {
        row.project_id: ServerLimits.model_validate(row.limits)
        for row in session.scalars(select(ProjectLimits).where(ProjectLimits.project_id.in_(ids)))
    }
    session.commit()  # nobody waits for the database while the Hub is asked
    running = _running(hub)
    return SiteProjects(
        items=[
            SiteProject(
                name=project.name,
                title=project.title,
                owners=owners[project.id],
                limits=limits.get(project.id, ServerLimits()),
                running=None if running is None else sorted(running[project.name]),
                created_at=project.created_at,
            )
            for project in projects
        ],
        next=following,
        capacity=capacity,
    )


def _owners(session: Session, projects: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    owners: dict[uuid.UUID, list[str]] = defaultdict(list)
    rows = session.execute(
        select(Membership.project_id, User.name)
        .join(User, User.id == Membership.user_id)
        .where(Membership.project_id.in_(projects), Membership.role_name == ProjectRole.DATA_OWNER.value)
        .order_by(User.name)
    )
    for project, user in rows:
        owners[project].append(user)
    return owners


def _running(hub: Hub) -> dict[str, list[str]] | None:
    try:
        servers: Sequence[RunningServer] = hub.running_servers()
    except (EngineRefusedError, EngineUnavailableError):
        return None  # the rest of the list is of use without it
    users: dict[str, list[str]] = defaultdict(list)
    for server in servers:
        users[server.name].append(server.user)
    return users
