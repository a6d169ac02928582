"""What a project does with datasets of others: ask for published ones, accept or decline what is offered."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hops_contract.slugs import is_slug
from hops_platform.database import now
from hops_platform.datasets.models import Dataset
from hops_platform.engines.places import is_dataset_name
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.projects.models import Project
from hops_platform.security.authentication import ProjectAccess, archived
from hops_platform.security.services import Service
from hops_platform.sharing.models import Publication, Share, ShareMode, ShareState
from hops_platform.sharing.publishing import published
from hops_platform.sharing.schemas import ReceivedShare, Wish
from hops_platform.sharing.service import (
    accept_share,
    check_room_of_dataset,
    check_waiting,
    lock_projects,
    new_share,
    share_of,
    show_received,
    standing_already,
)
from hops_platform.versions import edit_version


def received(project: Project) -> Select[Share]:
    """The query of what is shared with a project, offered to it, or asked for by it."""
    return (
        select(Share)
        .join(Project, Project.id == Share.owner_id)
        .where(
            Share.project_id == project.id,
            Share.state_name != ShareState.DECLINED.value,
            Project.deleted_at.is_(None),
        )
    )


def ask(session: Session, access: ProjectAccess, wish: Wish) -> ReceivedShare:
    """Adds a published dataset for reading, at once; for writing, its Data Owners are asked.

    A dataset that is offered is accepted, if it is asked for as it was offered, or for less.

    Raises:
        ConflictError: The project has it, owns it or has asked already, has too many, or the owner gives nothing now.
        NotFoundError: No published dataset is called so; whether there is one that is not published is not told.
    """
    owner, dataset = _published(session, wish)
    if owner.id == access.project.id:
        raise ConflictError("The project owns this dataset.")
    _check_gives(owner)
    lock_projects(session, owner, access.project)
    share = session.scalar(share_of(dataset, access.project))
    if share is not None and share.state is ShareState.OFFERED and wish.mode in {share.mode, ShareMode.READ}:
        return show_received(accept(session, share))
    if share is not None and share.state is ShareState.DECLINED:
        session.delete(share)
        session.flush()
        share = None
    if share is not None:
        raise standing_already(share)
    check_room_of_dataset(session, dataset)
    if wish.mode is ShareMode.WRITE:
        check_waiting(session, access.caller.person, access.project, ShareState.ASKED)
        return show_received(
            new_share(session, access, dataset, access.project, mode=wish.mode, state=ShareState.ASKED)
        )
    share = new_share(session, access, dataset, access.project, mode=wish.mode, state=ShareState.ASKED)
    share.self_service = True
    return show_received(accept_share(session, share))


def find_received(session: Session, project: Project, owner: str, dataset: str) -> Share:
    """A share with ``project``.

    Raises:
        NotFoundError: There is none of this dataset.
    """
    known = is_slug(owner) and is_dataset_name(dataset)
    query = received(project).where(Share.path == f"{owner}/{dataset}").with_for_update(of=Share)
    share = session.scalar(query) if known else None
    if share is None:
        raise NotFoundError(
            f"Nothing called {dataset[:64]!r} of {owner[:64]!r} is shared with this project or offered to it.",
            remedy="GET shares lists what is; it may have been taken back.",
        )
    return share


def accept(session: Session, share: Share) -> Share:
    """Accepts an offer.

    Raises:
        ConflictError: It is none, the project has too many, or the owner gives nothing now.
    """
    if share.state is not ShareState.OFFERED:
        raise ConflictError(
            "This dataset is shared with the project already."
            if share.state is ShareState.ACCEPTED
            else "The project has asked for this dataset itself; its Data Owners have to answer."
        )
    _check_gives(share.owner)
    return accept_share(session, share)


def decline(session: Session, share: Share) -> None:
    """Declines an offer; the owning project sees it, and can't offer it again for a while.

    Raises:
        ConflictError: It is none.
    """
    if share.state is not ShareState.OFFERED:
        raise ConflictError("This is no offer.", remedy="DELETE gives a dataset back, and takes a wish back.")
    edit_version(session, share, version=share.version, state_name=ShareState.DECLINED.value, declined_at=now())


def _published(session: Session, wish: Wish) -> tuple[Project, Dataset]:
    known = is_slug(wish.project) and is_dataset_name(wish.dataset)
    row = session.scalar(published("").where(Publication.path == f"{wish.project}/{wish.dataset}")) if known else None
    if row is None:
        raise NotFoundError(
            f"No dataset {wish.dataset!r} of a project {wish.project!r} is published.",
            remedy="A Data Owner there can publish it, or offer it to this project.",
        )
    return row.owner, row.dataset


def _check_gives(owner: Project) -> None:
    """Nobody asks the owning project's own permissions where another one takes what it offered or published."""
    if owner.archived_at is not None:
        raise archived(owner)
    if Service.SHARING.value in owner.services_off:
        raise ConflictError(
            f"The project {owner.name!r} shares nothing new now.",
            remedy="A Data Owner of it can switch sharing on, on the project's page.",
        )
