"""What a project may use, and what it uses: limits, and the bytes of its files.

Nobody looks through all files of a project while somebody waits. What was counted last is kept; what comes in through
this service is added to it at once, before it comes in, so that of many at the same moment no two get the same room.
What notebooks and sessions write past this service is seen by the next count (:mod:`hops_platform.quotas.counting`).
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hops_contract.options import ServerLimits
from hops_platform.errors import QuotaExceededError
from hops_platform.outbox import Task
from hops_platform.projects.models import Project
from hops_platform.quotas.models import THE_SITE, ProjectLimits, SiteLimits, StorageUse
from hops_platform.versions import changed_meanwhile, edit_version

MIB = 2**20
_STEP = 1024
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


def storage_used(session: Session, project: Project) -> int:
    """Bytes that the project's files have, as far as it is known."""
    row = session.get(StorageUse, project.id, populate_existing=True)
    return row.used if row is not None else 0


def storage_room(session: Session, project: Project) -> int | None:
    """How many bytes may come in still; ``None`` for any number.

    Raises:
        QuotaExceededError: None.
    """
    most = storage_limit(limits_of(session, project))
    if most is None:
        return None
    used = storage_used(session, project)
    if used >= most:
        raise no_storage(project, used=used, most=most)
    return most - used


def take_storage(session: Session, project: Project, size: int) -> None:
    """Counts ``size`` bytes that are about to come in, if they may.

    Raises:
        QuotaExceededError: There is less room than that.
    """
    most = storage_limit(limits_of(session, project))
    taking = update(StorageUse).where(StorageUse.project_id == project.id)
    used = StorageUse.counted_bytes + StorageUse.added_bytes
    if most is not None:
        # In one step: of two at the same moment the second finds what the first has left. None may begin where
        # there is no room, however little it needs.
        taking = taking.where(used + size <= most, used < most)
    done = session.execute(
        taking.values(added_bytes=StorageUse.added_bytes + size)
        .execution_options(synchronize_session=False)
        .returning(StorageUse.project_id)
    ).all()
    if not done and most is not None and (size > most or session.get(StorageUse, project.id) is not None):
        raise no_storage(project, used=storage_used(session, project), most=most, size=size)


def give_storage_back(session: Session, project: Project, size: int) -> None:
    """Counts ``size`` bytes no longer, which did not come in."""
    session.execute(
        update(StorageUse)
        .where(StorageUse.project_id == project.id)
        .values(added_bytes=StorageUse.added_bytes - size)
        .execution_options(synchronize_session=False)
    )


def add_storage(session: Session, project: str, size: int) -> None:
    """Counts ``size`` bytes that have come into the project of that name."""
    key = select(Project.id).where(Project.name == project).scalar_subquery()
    session.execute(
        update(StorageUse)
        .where(StorageUse.project_id == key)
        .values(added_bytes=StorageUse.added_bytes + size)
        .execution_options(synchronize_session=False)
    )


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


def no_storage(project: Project, *, used: int, most: int, size: int = 0) -> QuotaExceededError:
    """The answer to what would bring a project more bytes than it may have."""
    more = f" This needs {in_words(size)} more." if size else ""
    return QuotaExceededError(
        f"The project {project.name!r} uses {in_words(used)} of the {in_words(most)} of storage that it may use.{more}",
        remedy="Delete files and empty the trash, or ask an administrator for more.",
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
