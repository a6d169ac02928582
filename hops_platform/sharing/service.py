"""The life of a share, whichever side it is looked at from: how it begins, counts, is shown and ends.

What the owning project does is in :mod:`~hops_platform.sharing.offering`, what the other one does in
:mod:`~hops_platform.sharing.receiving`, and what everybody may find in :mod:`~hops_platform.sharing.publishing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hops_contract.shares import SHARED
from hops_platform.database import now
from hops_platform.datasets.models import Dataset
from hops_platform.engines.sandboxes import Ending
from hops_platform.errors import ConflictError
from hops_platform.projects.models import Membership, Project
from hops_platform.security.authentication import ProjectAccess
from hops_platform.sharing.models import Share, ShareMode, ShareState
from hops_platform.sharing.schemas import ReceivedShare, ShareAnswer
from hops_platform.sharing.standing import ended_now, settle
from hops_platform.users.models import User

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
_WAITING = (ShareState.OFFERED.value, ShareState.ASKED.value)


def share_of(dataset: Dataset, target: Project) -> Select[Share]:
    """The query of what stands between a dataset and a project."""
    return select(Share).where(Share.dataset_id == dataset.id, Share.project_id == target.id)


def new_share(
    session: Session, access: ProjectAccess, dataset: Dataset, target: Project, *, mode: ShareMode, state: ShareState
) -> Share:
    """Adds a row between the dataset and the project."""
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


def accept_share(session: Session, share: Share) -> Share:
    """Lets a share count from now on.

    Raises:
        ConflictError: The project has too many.
    """
    lock_projects(session, share.project)
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


def end(session: Session, share: Share, ending: Ending) -> None:
    """Ends a share, an offer or a wish, from whichever side; where it was accepted, nothing is seen any more.

    Args:
        session: The database.
        share: Which.
        ending: What the other project's sandboxes say of it.

    Raises:
        ConflictError: It was declined lately: what is forgotten could be offered again at once.
    """
    if share.state is ShareState.DECLINED and not is_forgotten(share):
        raise standing_already(share)
    accepted = share.state is ShareState.ACCEPTED
    project, ended = share.project, ended_now(share, ending)
    session.delete(share)
    session.flush()
    if accepted:
        settle(session, project, ended)


def lock_projects(session: Session, *projects: Project) -> None:
    """Lets one request after the other change what stands between these projects."""
    # In one order, so that none waits for the other.
    keys = [project.id for project in projects]
    session.scalars(select(Project.id).where(Project.id.in_(keys)).order_by(Project.id).with_for_update()).all()


def is_forgotten(share: Share) -> bool:
    """Whether it was declined so long ago that it can be offered again."""
    return share.state is ShareState.DECLINED and (share.declined_at or now()) < now() - DECLINED_FOR


def standing_already(share: Share) -> ConflictError:
    """Why a dataset can't be offered or asked for: what stands already."""
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


def check_room_of_dataset(session: Session, dataset: Dataset) -> None:
    """Checks that one more project may have a dataset.

    Raises:
        ConflictError: Too many have it, or may come to have it.
    """
    counted = select(func.count()).select_from(Share).where(Share.dataset_id == dataset.id)
    count = session.scalar(counted.where(Share.state_name != ShareState.DECLINED.value))
    if (count or 0) >= MOST_OF_DATASET:
        raise ConflictError(
            f"{dataset.name!r} is shared with or offered to {count} projects; {MOST_OF_DATASET} are the most.",
            remedy="End shares that are no longer used.",
        )


def check_waiting(session: Session, person: User, target: Project, state: ShareState) -> None:
    """Checks that one more may come to wait in ``state``: offers do not take the places of wishes.

    Raises:
        ConflictError: Too many wait: of the project, or of the person.
    """
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


def show_share(session: Session, share: Share) -> ShareAnswer:
    """A share on the wire, as the owning project sees it."""
    return show_shares(session, [share])[0]


def show_shares(session: Session, shares: Sequence[Share]) -> list[ShareAnswer]:
    """Shares on the wire, as the owning project sees them; their members are counted all at once."""
    counting = [share.project_id for share in shares if _counts(share)]
    query = (
        select(Membership.project_id, func.count())
        .where(Membership.project_id.in_(counting))
        .group_by(Membership.project_id)
    )
    members: dict[UUID, int] = dict(session.execute(query).all()) if counting else {}
    return [_show(share, members=members.get(share.project_id, 0) if _counts(share) else None) for share in shares]


def _counts(share: Share) -> bool:
    return share.state is ShareState.ACCEPTED and share.project.deleted_at is None


def _show(share: Share, *, members: int | None) -> ShareAnswer:
    return ShareAnswer(
        project=share.project.name,
        title=share.project.title,
        state=share.state,
        mode=share.mode,
        download=share.download,
        self_service=share.self_service,
        resting=share.project.deleted_at is not None,
        members=members,
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
