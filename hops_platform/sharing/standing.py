"""Which shares count now, and what follows when one no longer does: what other subjects need to know of shares.

A share counts when it is accepted and neither project is deleted: while one is, its shares rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import BindParameter, Select, or_, select
from sqlalchemy.orm import Session, aliased

from hops_contract.shares import SHARED
from hops_platform.database import now
from hops_platform.datasets.models import Dataset
from hops_platform.engines.places import is_dataset_name
from hops_platform.engines.sandboxes import EndedShare, Ending, VisibleDataset
from hops_platform.errors import NotFoundError
from hops_platform.outbox import Task, enqueue
from hops_platform.projects.models import Project
from hops_platform.sharing.models import Share, ShareMode, ShareState

SETTLE = Task("sandboxes", "shares.settle")
MARK = ":"
"""Stands for ``/`` in the name of a shared dataset where that is a part of an address."""


def standing_in(project: UUID | BindParameter[UUID]) -> Select[Share]:
    """The query of the datasets that are shared with a project now."""
    owner, target = aliased(Project), aliased(Project)
    return (
        select(Share)
        .join(owner, owner.id == Share.owner_id)
        .join(target, target.id == Share.project_id)
        .where(
            Share.project_id == project,
            Share.state_name == ShareState.ACCEPTED.value,
            owner.deleted_at.is_(None),
            target.deleted_at.is_(None),
        )
    )


def is_shared_name(name: str) -> bool:
    """Whether ``name`` is written like that of a shared dataset: ``Shared/weather/raw``, or with colons."""
    return name.startswith((f"{SHARED}/", f"{SHARED}{MARK}"))


def find_standing(session: Session, project: Project, name: str) -> Share:
    """The share that a name means, which :func:`is_shared_name` tells.

    Raises:
        NotFoundError: Nothing is shared under it (any more).
    """
    owner, _, dataset = name.removeprefix(SHARED)[1:].replace(MARK, "/").partition("/")
    found = (
        session.scalar(standing_in(project.id).where(Share.path == f"{owner}/{dataset}"))
        if is_dataset_name(dataset)
        else None
    )
    if found is None:
        raise NotFoundError(
            f"{dataset[:64]!r} of {owner[:64]!r} is not shared with this project (any more).",
            remedy="GET shares lists what is; ask a Data Owner there to share it.",
        )
    return found


def visible_in(session: Session, project: str) -> list[VisibleDataset]:
    """What sandboxes of a project see of others; nothing if there is no such project."""
    row = session.scalar(select(Project.id).where(Project.name == project, Project.deleted_at.is_(None)))
    if row is None:
        return []
    return [
        VisibleDataset(
            id=share.id,
            project=share.owner.name,
            dataset=share.dataset.name,
            writes=share.mode_now is ShareMode.WRITE,
        )
        for share in session.scalars(standing_in(row).order_by(Share.path))
    ]


def settle(session: Session, project: Project, *ended: EndedShare) -> None:
    """Lets the sandboxes of a project follow what is shared with it now, and say of what ``ended`` how that came."""
    payload = {
        "project": project.name,
        "ended": [
            {"project": one.project, "dataset": one.dataset, "ending": one.ending.value, "at": one.at.isoformat()}
            for one in ended
        ],
    }
    enqueue(session, SETTLE, entity=project.name, project=project.name, payload=payload)


def ended_now(share: Share, ending: Ending) -> EndedShare:
    """The end of a share at this moment."""
    return EndedShare(project=share.owner.name, dataset=share.dataset.name, ending=ending, at=now())


def end_shares_of(session: Session, dataset: Dataset) -> Sequence[Project]:
    """Ends all shares of a dataset that is deleted; the projects that had it."""
    # Who offers, or adds by themselves, locks the owning project; who accepts locks the share.
    session.execute(select(Project.id).where(Project.id == dataset.project_id).with_for_update())
    locked = select(Share).where(Share.dataset_id == dataset.id).order_by(Share.id).with_for_update(of=Share)
    shares = session.scalars(locked.execution_options(populate_existing=True)).all()
    had = [
        (share.project, ended_now(share, Ending.DATASET_DELETED))
        for share in shares
        if share.state is ShareState.ACCEPTED
    ]
    for share in shares:
        session.delete(share)
    session.flush()
    for project, ended in had:
        settle(session, project, ended)
    return [project for project, _ in had]


def settle_around(session: Session, project: Project) -> None:
    """Lets sandboxes follow when a project was deleted or restored: its own, and those of whom it shares with."""
    # Whatever their state: one could be accepted at this moment.
    shares = session.scalars(
        select(Share).where(or_(Share.owner_id == project.id, Share.project_id == project.id))
    ).all()
    gone = [share for share in shares if share.owner_id == project.id and project.deleted_at is not None]
    for target in {share.project_id: share.project for share in shares}.values():
        ended = [ended_now(share, Ending.PROJECT_DELETED) for share in gone if share.project_id == target.id]
        settle(session, target, *ended)
