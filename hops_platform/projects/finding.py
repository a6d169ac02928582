"""Finding projects by what is typed, and telling who owns them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from hops_contract.principal import ProjectRole
from hops_contract.slugs import project_user
from hops_platform.projects.models import Membership
from hops_platform.users.models import User

Row = TypeVar("Row")


def matching(query: Select[Row], search: str, *columns: InstrumentedAttribute[str]) -> Select[Row]:
    """``query`` for the rows in one of whose ``columns`` ``search`` occurs, in any case; all if it is empty."""
    sought = search.strip().lower()
    if not sought:
        return query
    return query.where(or_(*(func.lower(column).contains(sought, autoescape=True) for column in columns)))


def owners_of(session: Session, projects: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """The user names of the projects' Data Owners, in order."""
    owners: dict[uuid.UUID, list[str]] = defaultdict(list)
    rows = session.execute(
        select(Membership.project_id, User.name)
        .join(User, User.id == Membership.user_id)
        .where(Membership.project_id.in_(projects), Membership.role_name == ProjectRole.DATA_OWNER.value)
    )
    for project, user in rows:
        owners[project].append(user)
    for names in owners.values():
        names.sort()
    return owners


def active_project_users(session: Session, projects: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """The project-users of the projects' members who may log in, in order; an empty list for a project without any."""
    query = (
        select(Membership.project_id, Membership.project_name, User.name)
        .join(User, User.id == Membership.user_id)
        .where(Membership.project_id.in_(projects), User.active.is_(True))
        .order_by(User.name)
    )
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    for identity, project, user in session.execute(query):
        found[identity].append(project_user(project, user))
    return found
