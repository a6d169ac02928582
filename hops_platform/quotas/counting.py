"""Counting the bytes of projects' files again: apart from all requests, and the more seldom the longer it takes."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from hops_platform.activity.service import note_storage
from hops_platform.database import Database, now
from hops_platform.engines import Engines
from hops_platform.errors import PlatformError
from hops_platform.projects.models import Project
from hops_platform.quotas.models import StorageHold, StorageUse
from hops_platform.quotas.service import in_words, limits_of, storage_limit

LOG = logging.getLogger("hops.quotas")
COUNTED_AFTER = timedelta(minutes=10)
"""So long after a count the next one follows at the earliest."""
FULL_COUNTED_AFTER = timedelta(minutes=1)
"""The same for a full project, whose open files may grow still (:mod:`hops_platform.quotas.holding`)."""
PAUSE_FACTOR = 20
"""So many times as long as a count took is waited until the next: looking costs a twentieth of the time at most."""
_AT_ONCE = 500


def count_due(database: Database, engines: Engines) -> int:
    """Counts the projects whose turn it is, one after the other; how many."""
    with database.session(writes=False) as session:
        due = _due(session)
    return sum(count(database, engines, project) for project in due)


def count(database: Database, engines: Engines, project_id: uuid.UUID) -> bool:
    """Counts one project's files, and tells the project when there is no room left; whether that could be done."""
    with database.session(writes=False) as session:
        project = session.get(Project, project_id)
        if project is None or project.deleted_at is not None:
            return False
        row = session.get(StorageUse, project_id)
        before = row.added_bytes if row is not None else 0
    began = time.monotonic()
    try:
        # Nobody waits for the database while the disk is looked through.
        # What is on its way first: an upload that ends meanwhile is counted twice until the next count, never not.
        size = engines.uploads.announced(project.name) + engines.files.measure(project.name)
        homes = engines.storage.measure_homes(project.name)
    except PlatformError as error:
        LOG.warning("the files of %s can't be counted now: %s", project.name, error)
        return False
    with database.session() as session:
        _keep(session, project_id, size + homes, homes=homes, before=before, took_s=time.monotonic() - began)
    return True


def _due(session: Session) -> list[uuid.UUID]:
    moment = now()
    rows = session.execute(
        select(Project.id, StorageUse.counted_at, StorageUse.took_s)
        .outerjoin(StorageUse, StorageUse.project_id == Project.id)
        .where(
            Project.deleted_at.is_(None),
            or_(
                StorageUse.counted_at.is_(None),
                StorageUse.counted_at < moment - COUNTED_AFTER,
                and_(StorageUse.full_since.is_not(None), StorageUse.counted_at <= moment - FULL_COUNTED_AFTER),
            ),
        )
        .order_by(StorageUse.counted_at)
        .limit(_AT_ONCE)
    )
    return [
        key
        for key, counted_at, took_s in rows
        if counted_at is None or moment - counted_at >= timedelta(seconds=took_s * PAUSE_FACTOR)
    ]


def _keep(session: Session, project_id: uuid.UUID, size: int, *, homes: int, before: int, took_s: float) -> None:
    # Held: what is added at this moment waits, and is added to the new count.
    project = session.scalar(select(Project).where(Project.id == project_id).with_for_update())
    if project is None:
        return
    row = session.scalar(select(StorageUse).where(StorageUse.project_id == project_id).with_for_update())
    if row is None:
        row = StorageUse(project_id=project_id, added_bytes=0, counted_bytes=0)
        session.add(row)
    # What came in while it was counted may be in the count and is added all the same, until the next one: too much
    # for some minutes, never too little.
    row.added_bytes -= before
    session.execute(delete(StorageHold).where(StorageHold.project_id == project_id, StorageHold.until < now()))
    row.counted_bytes, row.homes_bytes, row.counted_at, row.took_s = size, homes, now(), took_s
    most = storage_limit(limits_of(session, project))
    full = most is not None and row.used >= most
    if most is not None and full and row.full_since is None:
        note_storage(session, project_id, used=in_words(row.used), most=in_words(most))
    row.full_bytes = (row.used if row.full_bytes is None else row.full_bytes) if full else None
    row.full_since = (row.full_since or now()) if full else None
