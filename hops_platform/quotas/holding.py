"""Running sandboxes of full projects: their code only reads, until the project has room again (decision 0030)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.engines.sandboxes import FullProject
from hops_platform.parts import Parts
from hops_platform.projects.models import Project
from hops_platform.quotas.models import StorageUse
from hops_platform.quotas.service import MIB, in_words, is_still_full, limits_of, storage_limit

_MARGIN_PART = 10
_LEAST_MARGIN = 256 * MIB


def hold_full(parts: Parts) -> None:
    """Lets running sandboxes follow which projects are full now; can be repeated."""
    with parts.database.session(writes=False) as session:
        full = full_projects(session)
    parts.engines.sandboxes.settle_full(full)


def full_projects(session: Session) -> list[FullProject]:
    """The projects that the last count found over their quota, and that are so still."""
    rows = session.execute(
        select(Project, StorageUse)
        .join(StorageUse, StorageUse.project_id == Project.id)
        .where(Project.deleted_at.is_(None), StorageUse.full_since.is_not(None))
        .order_by(Project.name)
    )
    found = []
    for project, row in rows:
        most = storage_limit(limits_of(session, project))
        if most is not None and is_still_full(row, most):
            found.append(FullProject(project=project.name, ends=_why_ended(project.name, row.used, most)))
    return found


def margin(most: int) -> int:
    """Bytes over a quota up to which files that are open for writing may be finished."""
    return max(most // _MARGIN_PART, _LEAST_MARGIN)


def _why_ended(project: str, used: int, most: int) -> str | None:
    if used < most + margin(most):
        return None
    return (
        f"The project {project!r} uses {in_words(used)} of the {in_words(most)} of storage that it may use. What still "
        "had one of its files open for writing was ended. Delete files and empty the trash, or ask an administrator "
        "for more."
    )
