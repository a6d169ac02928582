"""What a project may use, and what it uses: limits, and the bytes of its files.

Nobody looks through all files of a project while somebody waits. What was counted last is kept; what comes in through
this service is added to it at once, before it comes in, so that of many at the same moment no two get the same room:
an upload when it is announced, a copy and what is made of an archive as it is measured and made.
What notebooks and sessions write past this service is seen by the next count (:mod:`hops_platform.quotas.counting`).
"""

from __future__ import annotations

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hops_contract.options import ServerLimits
from hops_platform.database import now
from hops_platform.errors import NotFoundError, QuotaExceededError
from hops_platform.outbox import Task
from hops_platform.projects.models import Project
from hops_platform.quotas.models import THE_SITE, ProjectLimits, SiteLimits, StorageHold, StorageUse
from hops_platform.versions import changed_meanwhile, edit_version

MIB = 2**20
_STEP = 1024
NOTEBOOKS_MARGIN = 64 * MIB
"""So many bytes more than it has a full project may get by notebooks that are saved, until it has room again."""
COUNT_STORAGE = Task("counting", "storage.count")
"""A channel of its own: it can take long."""


def limits_of(session: Session, project: Project) -> ServerLimits:
    """The project's limits: its own, else the site's defaults."""
    row = session.get(ProjectLimits, project.id)
    return ServerLimits.model_validate(row.limits) if row is not None else default_limits(session)


def version_of_limits(session: Session, project: Project) -> int:
    """The version of the project's limits; 0 while they are the defaults."""
    row = session.get(ProjectLimits, project.id)
    return row.version if row is not None else 0


def edit_limits(session: Session, project: Project, limits: ServerLimits, *, version: int) -> None:
    """Sets the project's limits, of the version that the caller read.

    Raises:
        PreconditionFailedError: Somebody else changed them in between.
    """
    row = session.get(ProjectLimits, project.id)
    new = ProjectLimits(project_id=project.id, limits=limits.model_dump(mode="json"))
    _write_limits(session, row, new, version=version)


def default_limits(session: Session) -> ServerLimits:
    """The limits of projects that have none of their own."""
    row = session.get(SiteLimits, THE_SITE)
    return ServerLimits.model_validate(row.limits) if row is not None else ServerLimits()


def version_of_defaults(session: Session) -> int:
    """The version of the site's defaults; 0 while they are those that the platform comes with."""
    row = session.get(SiteLimits, THE_SITE)
    return row.version if row is not None else 0


def edit_defaults(session: Session, limits: ServerLimits, *, version: int) -> None:
    """Sets the limits of projects that have none of their own, of the version that the caller read.

    Raises:
        PreconditionFailedError: Somebody else changed them in between.
    """
    row = session.get(SiteLimits, THE_SITE)
    _write_limits(session, row, SiteLimits(id=THE_SITE, limits=limits.model_dump(mode="json")), version=version)


def storage_limit(limits: ServerLimits) -> int | None:
    """The most bytes; ``None`` for no limit."""
    return None if limits.max_project_storage_mib is None else limits.max_project_storage_mib * MIB


def is_full(session: Session, project: Project) -> bool:
    """Whether the last count found the project over its quota, and it is so still: its code may only read then."""
    row = session.get(StorageUse, project.id)
    return row is not None and is_still_full(row, storage_limit(limits_of(session, project)))


def is_still_full(row: StorageUse, most: int | None) -> bool:
    """The same, by the row of the project's count and its limit in bytes; ``None``: it has none."""
    return row.full_since is not None and most is not None and row.used >= most


def check_storage_room(session: Session, project: Project) -> None:
    """Checks that anything at all may come in still.

    Raises:
        QuotaExceededError: Nothing may.
    """
    row, most = session.get(StorageUse, project.id, populate_existing=True), storage_limit(limits_of(session, project))
    used = (row.used if row is not None else 0) + held_storage(session, project.id)
    if most is not None and used >= most:
        raise no_storage(project, used=used, most=most)


def take_storage(session: Session, project: Project, size: int, *, notebook: bool = False) -> None:
    """Counts ``size`` bytes that are about to come in, if they may.

    Args:
        session: The database.
        project: Where they come in.
        size: Bytes.
        notebook: Whether it is a notebook, of which nobody is to lose what they wrote: in a full project a little room
            is left for these.

    Raises:
        QuotaExceededError: There is less room than that.
    """
    row, most = lock_use(session, project.id), storage_limit(limits_of(session, project))
    used = row.used + held_storage(session, project.id)
    if notebook and most is not None and used + size > most:
        most = max(most, row.full_bytes or 0) + NOTEBOOKS_MARGIN
    # None may begin where there is no room, however little it needs.
    if most is not None and (used + size > most or used >= most):
        raise no_storage(project, used=used, most=most, more=f"This needs {in_words(size)} more.")
    row.added_bytes += size
    session.flush()


def give_storage_back(session: Session, project: Project, size: int) -> None:
    """Counts ``size`` bytes no longer, which did not come in."""
    session.execute(
        update(StorageUse)
        .where(StorageUse.project_id == project.id)
        .values(added_bytes=StorageUse.added_bytes - size)
        .execution_options(synchronize_session=False)
    )


def lock_use(session: Session, project: uuid.UUID) -> StorageUse:
    """What a project uses; of two at the same moment the second sees what the first has taken.

    Raises:
        NotFoundError: There is no such project (any more).
    """
    if session.scalar(select(Project.id).where(Project.id == project).with_for_update(key_share=True)) is None:
        raise NotFoundError("There is no such project (any more).")
    query = select(StorageUse).where(StorageUse.project_id == project).with_for_update()
    row = session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        # It was never counted; what comes in before that is counted all the same.
        row = StorageUse(project_id=project, added_bytes=0, counted_bytes=0)
        session.add(row)
        session.flush()
    return row


def held_storage(session: Session, project: uuid.UUID, *, but: uuid.UUID | None = None) -> int:
    """Bytes of a project that are taken by what is being made (:mod:`hops_platform.quotas.room`)."""
    held = select(func.coalesce(func.sum(StorageHold.size), 0)).where(
        StorageHold.project_id == project, StorageHold.until > now()
    )
    return int(session.scalar(held if but is None else held.where(StorageHold.id != but)) or 0)


def check_room_for_topic(session: Session, project: Project, used: int) -> None:
    """Checks that the project may have a topic more than the ``used`` that it has; the caller holds its row.

    Raises:
        QuotaExceededError: As many as it may have.
    """
    most = limits_of(session, project).max_project_topics
    if most is not None and used >= most:
        raise QuotaExceededError(
            f"The project {project.name!r} has {used} topics, and {most} are the most.",
            remedy="Delete topics that are no longer needed, or ask an administrator for more.",
        )


def no_storage(project: Project, *, used: int, most: int, more: str = "") -> QuotaExceededError:
    """The answer to what would bring a project more bytes than it may have."""
    uses = f"The project {project.name!r} uses {in_words(used)} of the {in_words(most)} of storage that it may use."
    return QuotaExceededError(
        f"{uses} {more}".rstrip(),
        remedy="Delete files, those of your home among them, and empty the trash, or ask an administrator for more.",
    )


def no_storage_elsewhere(project: str) -> QuotaExceededError:
    """The refusal in a dataset that another project shares: how much that one has is none of the caller's business.

    Args:
        project: The name of that project.
    """
    return QuotaExceededError(
        f"The project {project!r}, which shares this dataset, has no room for it.",
        remedy="Ask a Data Owner there.",
    )


def in_words(size: int) -> str:
    """Bytes as people say them: ``1.5 GiB``."""
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < _STEP:
            break
        amount, unit = amount / _STEP, larger
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


def _write_limits(
    session: Session, row: ProjectLimits | SiteLimits | None, new: ProjectLimits | SiteLimits, *, version: int
) -> None:
    if row is not None:
        edit_version(session, row, version=version, limits=new.limits)
        return
    session.add(new)
    try:
        session.flush()
    except IntegrityError as error:
        raise changed_meanwhile() from error
