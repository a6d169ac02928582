"""Sharing datasets with other projects, and publishing them for everybody who is logged in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from hops_contract.shares import SHARED
from hops_contract.slugs import is_slug
from hops_platform.database import now
from hops_platform.datasets.models import Dataset
from hops_platform.datasets.service import find_dataset
from hops_platform.engines.places import is_dataset_name
from hops_platform.engines.sandboxes import Ending
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.projects.finding import matching, owners_of
from hops_platform.projects.models import Membership, Project
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.services import Service
from hops_platform.sharing.models import Publication, Share, ShareMode, ShareState
from hops_platform.sharing.schemas import (
    NewShare,
    PublishedDataset,
    ReceivedShare,
    ShareAnswer,
    ShareEdit,
    Target,
    UsersOfIt,
    Wish,
)
from hops_platform.sharing.standing import ended_now, settle
from hops_platform.users.models import User
from hops_platform.versions import edit_version

MOST_OF_DATASET = 200
"""Projects that one dataset is shared with or offered to."""
MOST_OF_PROJECT = 100
"""Datasets that one project has of others: each is mounted in all of its sandboxes."""
MOST_WAITING = 50
"""Offers to one project that wait for an answer; and so many wishes of it."""
MOST_OF_PERSON_FOR_PROJECT = 10
"""Of these, those that one person made: nobody alone takes all places from others."""
MOST_OF_PERSON = 50
"""Offers and wishes of one person that wait for an answer."""
DECLINED_FOR = timedelta(days=7)
"""So long a declined one can't be offered again."""
TARGETS = 10
_WAITING = (ShareState.OFFERED.value, ShareState.ASKED.value)


# Of the project that owns the dataset.


def shares_of(dataset: Dataset) -> Select[Project, Share]:
    """The query of who has a dataset, or may come to have it; deleted projects too, where it rests."""
    return select(Project, Share).join(Share, Share.project_id == Project.id).where(Share.dataset_id == dataset.id)


def offer(session: Session, access: ProjectAccess, dataset: str, request: NewShare) -> ShareAnswer:
    """Offers a dataset to another project; shared at once where that asked for it, or the caller owns both.

    Raises:
        ConflictError: It is shared or offered already, was declined lately, or there are too many.
        NotFoundError: There is no such dataset, or no such project that the caller may share with.
    """
    found = find_dataset(session, access.project, dataset)
    target = _target(session, access, found, request.project)
    _lock(session, access.project, target)
    share = session.scalar(_share(found, target))
    if share is not None and share.state is ShareState.ASKED:
        edit_version(session, share, version=share.version, mode_name=request.mode.value, download=request.download)
        return show_share(session, _accept(session, share))
    if share is not None and _is_forgotten(share):
        session.delete(share)
        session.flush()
        share = None
    if share is not None:
        raise _standing_already(share)
    _check_room_of_dataset(session, found)
    _check_waiting(session, access.caller.person, target, ShareState.OFFERED)
    share = _new(session, access, found, target, mode=request.mode, state=ShareState.OFFERED)
    share.download = request.download
    session.flush()
    return show_share(session, share)


def find_share(session: Session, project: Project, dataset: str, target: str) -> Share:
    """The share of a dataset of ``project`` with another project.

    Raises:
        NotFoundError: There is none.
    """
    found = find_dataset(session, project, dataset)
    row = (
        session.execute(shares_of(found).where(Project.name == target).with_for_update(of=Share)).one_or_none()
        if is_slug(target)
        else None
    )
    if row is None:
        raise NotFoundError(
            f"{found.name!r} is not shared with a project {target[:64]!r}.", remedy="GET shares lists with whom it is."
        )
    share: Share = row[1]
    return share


def edit_share(session: Session, share: Share, edit: ShareEdit, *, version: int) -> None:
    """Changes what the other project may do; less than before takes effect at once.

    Raises:
        PreconditionFailedError: Somebody else changed it in between.
    """
    changes: dict[str, object] = {}
    if edit.mode is not None:
        changes["mode_name"] = edit.mode.value
    if edit.download is not None:
        changes["download"] = edit.download
    edit_version(session, share, version=version, **changes)
    if share.state is ShareState.ACCEPTED:
        settle(session, share.project)


def end(session: Session, share: Share, ending: Ending) -> None:
    """Ends a share, an offer or a wish, from whichever side; where it was accepted, nothing is seen any more.

    Args:
        session: The database.
        share: Which.
        ending: What the other project's sandboxes say of it.

    Raises:
        ConflictError: It was declined lately: what is forgotten could be offered again at once.
    """
    if share.state is ShareState.DECLINED and not _is_forgotten(share):
        raise _standing_already(share)
    accepted = share.state is ShareState.ACCEPTED
    project, ended = share.project, ended_now(share, ending)
    session.delete(share)
    session.flush()
    if accepted:
        settle(session, project, ended)


def targets(session: Session, access: ProjectAccess, search: str) -> list[Target]:
    """The first projects that the caller may share with and that are called so."""
    query = matching(_reachable(access), search, Project.name, Project.title)
    rows = session.scalars(query.where(Project.id != access.project.id).order_by(Project.name).limit(TARGETS))
    return [Target(name=row.name, title=row.title) for row in rows]


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


# Of the other project.


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
    _lock(session, owner, access.project)
    share = session.scalar(_share(dataset, access.project))
    if share is not None and share.state is ShareState.OFFERED and wish.mode in {share.mode, ShareMode.READ}:
        return show_received(accept(session, share))
    if share is not None and share.state is ShareState.DECLINED:
        session.delete(share)
        session.flush()
        share = None
    if share is not None:
        raise _standing_already(share)
    _check_room_of_dataset(session, dataset)
    if wish.mode is ShareMode.WRITE:
        _check_waiting(session, access.caller.person, access.project, ShareState.ASKED)
        return show_received(_new(session, access, dataset, access.project, mode=wish.mode, state=ShareState.ASKED))
    share = _new(session, access, dataset, access.project, mode=wish.mode, state=ShareState.ASKED)
    share.self_service = True
    return show_received(_accept(session, share))


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
    return _accept(session, share)


def decline(session: Session, share: Share) -> None:
    """Declines an offer; the owning project sees it, and can't offer it again for a while.

    Raises:
        ConflictError: It is none.
    """
    if share.state is not ShareState.OFFERED:
        raise ConflictError("This is no offer.", remedy="DELETE gives a dataset back, and takes a wish back.")
    edit_version(session, share, version=share.version, state_name=ShareState.DECLINED.value, declined_at=now())


# Of everybody.


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
    for dataset, name in session.execute(
        select(Share.dataset_id, Project.name)
        .join(Project, Project.id == Share.project_id)
        .where(
            Share.dataset_id.in_(having),
            Share.project_id.in_(mine),
            Share.state_name == ShareState.ACCEPTED.value,
        )
        .order_by(Project.name)
    ):
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


def projects_of(session: Session, person: User) -> Sequence[UUID]:
    """The projects that somebody is a member of."""
    return session.scalars(select(Membership.project_id).where(Membership.user_id == person.id)).all()


def show_share(session: Session, share: Share) -> ShareAnswer:
    """A share on the wire, as the owning project sees it."""
    resting = share.project.deleted_at is not None
    counts = share.state is ShareState.ACCEPTED and not resting
    members = select(func.count()).select_from(Membership).where(Membership.project_id == share.project_id)
    return ShareAnswer(
        project=share.project.name,
        title=share.project.title,
        state=share.state,
        mode=share.mode,
        download=share.download,
        self_service=share.self_service,
        resting=resting,
        members=session.scalar(members) if counts else None,
        since=share.accepted_at,
        created_at=share.created_at,
        version=share.version,
    )


def show_received(share: Share) -> ReceivedShare:
    """A share on the wire, as the other project sees it."""
    return ReceivedShare(
        project=share.owner.name,
        title=share.owner.title,
        dataset=share.dataset.name,
        description=share.dataset.description,
        path=f"{SHARED}/{share.path}",
        state=share.state,
        mode=share.mode,
        download=share.download,
        since=share.accepted_at,
        created_at=share.created_at,
    )


def _share(dataset: Dataset, target: Project) -> Select[Share]:
    return select(Share).where(Share.dataset_id == dataset.id, Share.project_id == target.id)


def _reachable(access: ProjectAccess) -> Select[Project]:
    """The projects that the caller may know of: listed ones, and those where they are a member."""
    own = select(Membership.project_id).where(Membership.user_id == access.caller.person.id)
    # An archived one can't accept anything.
    open_to = (Project.deleted_at.is_(None), Project.archived_at.is_(None))
    return select(Project).where(*open_to, or_(Project.listed.is_(True), Project.id.in_(own)))


def _target(session: Session, access: ProjectAccess, dataset: Dataset, name: str) -> Project:
    asked = select(Share.project_id).where(Share.dataset_id == dataset.id, Share.state_name == ShareState.ASKED.value)
    target = None
    if is_slug(name):
        target = session.scalar(_reachable(access).where(Project.name == name)) or session.scalar(
            select(Project).where(
                Project.name == name,
                Project.id.in_(asked),
                Project.deleted_at.is_(None),
                Project.archived_at.is_(None),
            )
        )
    if target is None:
        raise NotFoundError(
            f"There is no project {name[:64]!r} that you can share with.",
            remedy="Those that are listed can be chosen, and your own. Its Data Owners can list it, or ask for the "
            "dataset when it is published.",
        )
    if target.id == access.project.id:
        raise ConflictError("The project owns this dataset.", remedy="Choose another project.")
    return target


def _published(session: Session, wish: Wish) -> tuple[Project, Dataset]:
    known = is_slug(wish.project) and is_dataset_name(wish.dataset)
    row = session.scalar(published("").where(Publication.path == f"{wish.project}/{wish.dataset}")) if known else None
    if row is None:
        raise NotFoundError(
            f"No dataset {wish.dataset!r} of a project {wish.project!r} is published.",
            remedy="A Data Owner there can publish it, or offer it to this project.",
        )
    return row.owner, row.dataset


def _lock(session: Session, *projects: Project) -> None:
    # Of requests at the same moment one after the other counts; in one order, so that none waits for the other.
    keys = [project.id for project in projects]
    session.scalars(select(Project.id).where(Project.id.in_(keys)).order_by(Project.id).with_for_update()).all()


def _new(
    session: Session, access: ProjectAccess, dataset: Dataset, target: Project, *, mode: ShareMode, state: ShareState
) -> Share:
    owner = session.get_one(Project, dataset.project_id)
    share = Share(
        dataset_id=dataset.id,
        owner_id=owner.id,
        project_id=target.id,
        path=f"{owner.name}/{dataset.name}",
        state_name=state.value,
        mode_name=mode.value,
        made_by_id=access.caller.person.id,
        dataset=dataset,
        owner=owner,
        project=target,
    )
    session.add(share)
    session.flush()
    return share


def _accept(session: Session, share: Share) -> Share:
    _lock(session, share.project)
    held = (
        select(func.count())
        .select_from(Share)
        .where(Share.project_id == share.project_id, Share.state_name == ShareState.ACCEPTED.value)
    )
    if (session.scalar(held) or 0) >= MOST_OF_PROJECT:
        raise ConflictError(
            f"{share.project.name!r} has {MOST_OF_PROJECT} datasets of other projects, which are the most.",
            remedy="It has to give one back first.",
        )
    share.state_name = ShareState.ACCEPTED.value
    share.accepted_at = now()
    share.version += 1
    session.flush()
    settle(session, share.project)
    return share


def _check_gives(owner: Project) -> None:
    """Nobody asks the owning project's own permissions where another one takes what it offered or published."""
    if Service.SHARING.value in owner.services_off:
        raise ConflictError(
            f"The project {owner.name!r} shares nothing new now.",
            remedy="A Data Owner of it can switch sharing on, on the project's page.",
        )


def _is_forgotten(share: Share) -> bool:
    """Whether it was declined so long ago that it can be offered again."""
    return share.state is ShareState.DECLINED and (share.declined_at or now()) < now() - DECLINED_FOR


def _standing_already(share: Share) -> ConflictError:
    if share.state is ShareState.DECLINED:
        return ConflictError(
            f"{share.project.name!r} has declined this dataset.",
            remedy=f"It can be offered again after {DECLINED_FOR.days} days.",
        )
    words = {
        ShareState.ACCEPTED: "is shared already",
        ShareState.OFFERED: "is offered already; a Data Owner there has to accept",
        ShareState.ASKED: "has been asked for already; a Data Owner of the owning project has to accept",
    }
    return ConflictError(f"{share.path} {words[share.state]}.", remedy="Change the share instead, or end it.")


def _check_room_of_dataset(session: Session, dataset: Dataset) -> None:
    counted = select(func.count()).select_from(Share).where(Share.dataset_id == dataset.id)
    count = session.scalar(counted.where(Share.state_name != ShareState.DECLINED.value))
    if (count or 0) >= MOST_OF_DATASET:
        raise ConflictError(
            f"{dataset.name!r} is shared with or offered to {count} projects; {MOST_OF_DATASET} are the most.",
            remedy="End shares that are no longer used.",
        )


def _check_waiting(session: Session, person: User, target: Project, state: ShareState) -> None:
    """Checks that one more may come to wait in ``state``: offers do not take the places of wishes."""
    waiting = select(func.count()).select_from(Share).where(Share.state_name.in_(_WAITING))
    alike = waiting.where(Share.project_id == target.id, Share.state_name == state.value)
    what = f"offers to {target.name!r}" if state is ShareState.OFFERED else f"wishes of {target.name!r}"
    own = Share.made_by_id == person.id
    for query, most, words, remedy in (
        (alike, MOST_WAITING, what, "Try again when some were answered."),
        (alike.where(own), MOST_OF_PERSON_FOR_PROJECT, f"of your {what}", "Wait for answers, or take some back."),
        (waiting.where(own), MOST_OF_PERSON, "of your offers and wishes", "Wait for answers, or take some back."),
    ):
        if (session.scalar(query) or 0) >= most:
            raise ConflictError(f"{most} {words} wait for an answer, which are the most.", remedy=remedy)
