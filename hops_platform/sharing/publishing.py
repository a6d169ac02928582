"""What everybody who is logged in may find: published datasets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from hops_platform.datasets.models import Dataset
from hops_platform.datasets.service import find_dataset
from hops_platform.engines.sandboxes import Ending
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.projects.finding import matching, owners_of
from hops_platform.projects.models import Membership, Project
from hops_platform.sharing.models import Publication, Share, ShareState
from hops_platform.sharing.schemas import PublishedDataset, UsersOfIt
from hops_platform.sharing.service import end
from hops_platform.users.models import User


def publish(session: Session, project: Project, dataset: str) -> PublishedDataset:
    """Lets everybody find a dataset, and add it to their own project for reading.

    Raises:
        ConflictError: It is published already.
        NotFoundError: There is no such dataset.
    """
    found = find_dataset(session, project, dataset)
    if session.get(Publication, found.id) is not None:
        raise ConflictError(f"{found.name!r} is published already.")
    row = Publication(dataset_id=found.id, owner_id=project.id, path=f"{project.name}/{found.name}")
    row.dataset, row.owner = found, project
    session.add(row)
    session.flush()
    return show_published(session, [row], ())[0]


def withdraw(session: Session, project: Project, dataset: str, users: UsersOfIt) -> Sequence[Project]:
    """Lets nobody find a dataset any more; which projects lose it.

    Raises:
        NotFoundError: There is no such dataset, or it is not published.
    """
    found = find_dataset(session, project, dataset)
    row = session.get(Publication, found.id)
    if row is None:
        raise NotFoundError(f"{found.name!r} is not published.")
    session.delete(row)
    session.flush()
    # Nobody learns of it any more, so that nobody waits for an answer either.
    session.execute(delete(Share).where(Share.dataset_id == found.id, Share.state_name == ShareState.ASKED.value))
    if users is UsersOfIt.STAY:
        return []
    by_themselves = session.scalars(
        select(Share).where(Share.dataset_id == found.id, Share.self_service.is_(True))
    ).all()
    gone = [share.project for share in by_themselves]
    for share in by_themselves:
        end(session, share, Ending.WITHDRAWN)
    return gone


def published(search: str) -> Select[Publication]:
    """The query of the published datasets in whose name or description, or that of the project, ``search`` occurs."""
    query = (
        select(Publication)
        .join(Project, Project.id == Publication.owner_id)
        .join(Dataset, Dataset.id == Publication.dataset_id)
        .where(Project.deleted_at.is_(None))
    )
    return matching(query, search, Publication.path, Dataset.description, Project.title)


def show_published(session: Session, rows: Sequence[Publication], mine: Iterable[UUID]) -> list[PublishedDataset]:
    """Published datasets on the wire.

    Args:
        session: The database.
        rows: Which.
        mine: The caller's projects.
    """
    owners = owners_of(session, {row.owner_id for row in rows})
    having: dict[UUID, list[str]] = {row.dataset_id: [] for row in rows}
    mine = set(mine)
    for row in rows:
        if row.owner_id in mine:
            having[row.dataset_id].append(row.owner.name)
    users = session.execute(
        select(Share.dataset_id, Project.name)
        .join(Project, Project.id == Share.project_id)
        .where(
            Share.dataset_id.in_(having),
            Share.project_id.in_(mine),
            Share.state_name == ShareState.ACCEPTED.value,
        )
    )
    for dataset, name in sorted((row.dataset_id, row.name) for row in users):
        having[dataset].append(name)
    return [
        PublishedDataset(
            project=row.owner.name,
            title=row.owner.title,
            dataset=row.dataset.name,
            description=row.dataset.description,
            owners=owners[row.owner_id],
            published_at=row.created_at,
            yours=having[row.dataset_id],
        )
        for row in rows
    ]


def project_ids_of(session: Session, person: User) -> Sequence[UUID]:
    """The projects that somebody is a member of."""
    return session.scalars(select(Membership.project_id).where(Membership.user_id == person.id)).all()
