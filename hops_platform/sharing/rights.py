"""Which project-users may use which dataset by themselves, where what datasets lie on knows project-users (HDFS).

What counts is what the tables say when it is delivered. So every change of members, shares, datasets, projects and
users is followed alike, whatever code makes it; a site whose storage knows no project-users follows none.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hops_platform.database import Database
from hops_platform.datasets.models import Dataset
from hops_platform.engines.storage import DatasetRights
from hops_platform.following import Concern, Following
from hops_platform.outbox import Task, enqueue_once
from hops_platform.projects.finding import active_project_users
from hops_platform.projects.models import Membership, Project
from hops_platform.sharing.models import Share, ShareMode, ShareState
from hops_platform.users.models import User

SETTLE_RIGHTS = Task("storage-rights", "rights.settle")
"""A channel of its own: folders are made while a list of rights is too long for HDFS."""
LET_OUT = Task("storage-leaving", "rights.let-out")
"""Another, which is quick: whoever is removed does not wait until others are let in, which can take long."""


def follow_rights(database: Database) -> None:
    """From now on, changes made in transactions of ``database`` are followed by the storage."""
    _FOLLOWING.begin(database)


def rights_of(session: Session, project: str) -> list[DatasetRights]:
    """Who may use the datasets of a project; nobody, while it is deleted. None if there is no such project."""
    row = session.scalar(select(Project).where(Project.name == project))
    if row is None:
        return []
    datasets = session.scalars(select(Dataset).where(Dataset.project_id == row.id).order_by(Dataset.name)).all()
    if row.deleted_at is not None:
        return [DatasetRights(dataset=one.name, writers=()) for one in datasets]
    members = active_project_users(session, {row.id})[row.id]
    shares = session.scalars(
        select(Share).where(Share.owner_id == row.id, Share.state_name == ShareState.ACCEPTED.value)
    ).all()
    standing = [share for share in shares if share.project.deleted_at is None]
    others = active_project_users(session, {share.project_id for share in standing})
    found = []
    for one in datasets:
        having = [share for share in standing if share.dataset_id == one.id]
        writing = [name for share in having if _writes(share) for name in others[share.project_id]]
        reading = [name for share in having if not _writes(share) for name in others[share.project_id]]
        if row.archived_at is not None:
            found.append(DatasetRights(dataset=one.name, writers=[], readers=[*members, *sorted(reading)]))
        else:
            found.append(DatasetRights(dataset=one.name, writers=[*members, *sorted(writing)], readers=sorted(reading)))
    return found


def _writes(share: Share) -> bool:
    """Whether the members of the project that has it may write: neither project is archived, which is for reading."""
    return share.mode_now is ShareMode.WRITE and share.project.archived_at is None


def _write(session: Session, touched: set[UUID]) -> None:
    own = select(Membership.project_id).where(Membership.user_id.in_(touched))
    changed = touched | set(session.scalars(own))
    # Whoever shares with a project lets its members in.
    owners = select(Share.owner_id).where(Share.project_id.in_(changed))
    concerned = or_(Project.id.in_(changed), Project.id.in_(owners))
    for name in session.scalars(select(Project.name).where(concerned).order_by(Project.name)):
        enqueue_once(session, LET_OUT, entity=name, payload={"project": name})
        enqueue_once(session, SETTLE_RIGHTS, entity=name, payload={"project": name})


_FOLLOWING = Following(
    "rights on the storage",
    {
        Share: Concern("owner_id"),
        Dataset: Concern("project_id"),
        Membership: Concern("project_id"),
        Project: Concern("id"),
        User: Concern("id", only="active"),
    },
    _write,
)
