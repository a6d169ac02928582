"""What the project that owns a dataset does: offer it to others, change what they may do, see who has it."""

from __future__ import annotations

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from hops_contract.slugs import is_slug
from hops_platform.datasets.models import Dataset
from hops_platform.datasets.service import find_dataset
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.projects.finding import matching
from hops_platform.projects.models import Membership, Project
from hops_platform.security.authentication import ProjectAccess
from hops_platform.sharing.models import Share, ShareState
from hops_platform.sharing.schemas import NewShare, ShareAnswer, ShareEdit, Target
from hops_platform.sharing.service import (
    accept_share,
    check_room_of_dataset,
    check_waiting,
    is_forgotten,
    lock_projects,
    new_share,
    share_of,
    show_share,
    standing_already,
)
from hops_platform.sharing.standing import settle
from hops_platform.versions import edit_version

TARGETS = 10


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
    lock_projects(session, access.project, target)
    share = session.scalar(share_of(found, target))
    if share is not None and share.state is ShareState.ASKED:
        edit_version(session, share, version=share.version, mode_name=request.mode.value, download=request.download)
        return show_share(session, accept_share(session, share))
    if share is not None and is_forgotten(share):
        session.delete(share)
        session.flush()
        share = None
    if share is not None:
        raise standing_already(share)
    check_room_of_dataset(session, found)
    check_waiting(session, access.caller.person, target, ShareState.OFFERED)
    share = new_share(session, access, found, target, mode=request.mode, state=ShareState.OFFERED)
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


def targets(session: Session, access: ProjectAccess, search: str) -> list[Target]:
    """The first projects that the caller may share with and that are called so."""
    query = matching(_reachable(access), search, Project.name, Project.title)
    rows = session.scalars(query.where(Project.id != access.project.id).order_by(Project.name).limit(TARGETS))
    return [Target(name=row.name, title=row.title) for row in rows]


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
