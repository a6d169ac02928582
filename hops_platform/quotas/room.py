"""Room in a project that is taken while something is made whose size shows only then: copies, and archives.

It is a row, so that all processes see it. It counts for :data:`LEASE` after its maker was last heard of: what a killed
process held is free again then.
"""

from __future__ import annotations

import time
from datetime import timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import delete
from sqlalchemy.orm import Session

from hops_platform.database import Database, new_id, now
from hops_platform.projects.models import Project
from hops_platform.quotas.models import StorageHold
from hops_platform.quotas.service import give_storage_back, held_storage, limits_of, lock_use, no_storage, storage_limit

LEASE = timedelta(minutes=10)
STEP = 16 * 2**20
"""Bytes by which more is taken than is needed now, so that not every piece of a file asks the database."""
_EXTENDED_S = LEASE.total_seconds() / 10


class HeldRoom:
    """Room of one piece of work, to be used in a ``with`` by one thread; what is held is given back at its end.

    Args:
        database: Where it is kept, in transactions of its own.
        project: Whose room it is.
    """

    def __init__(self, database: Database, project: Project) -> None:
        self._database = database
        self._project = project
        self._id = new_id()
        self._held = 0
        self._next_look = 0.0

    def take(self, size: int) -> None:
        """Holds room for ``size`` bytes in all.

        Raises:
            QuotaExceededError: There is less.
        """
        if size <= self._held and time.monotonic() < self._next_look:
            return
        with self._database.session() as session:
            row, most = lock_use(session, self._project.id), storage_limit(limits_of(session, self._project))
            self._held = max(self._held, size + STEP)
            if most is not None:
                used = row.used + held_storage(session, self._project.id, but=self._id)
                if size > most - used:
                    raise no_storage(self._project, used=used, most=most, more="There is not room for all of this.")
                self._held = min(self._held, most - used)
            held = StorageHold(id=self._id, project_id=self._project.id, size=self._held, until=now() + LEASE)
            session.merge(held)
        self._next_look = time.monotonic() + _EXTENDED_S

    def keep(self, size: int) -> None:
        """Counts ``size`` bytes, which have come in, instead of what is held."""
        with self._database.session() as session:
            give_storage_back(session, self._project, -size)
            self._let_go(session)

    def _let_go(self, session: Session) -> None:
        session.execute(delete(StorageHold).where(StorageHold.id == self._id))
        self._held, self._next_look = 0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held:
            with self._database.session() as session:
                self._let_go(session)
