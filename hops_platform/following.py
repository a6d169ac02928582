"""Changes of tables that something elsewhere follows, whatever code makes them: told by the database session.

Every row that comes, changes or goes names what it concerns: a project, or a user. When the transaction is about to
end, what follows is written into it, once for all that it has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session

from hops_platform.database import Database


@dataclass(frozen=True, slots=True)
class Concern:
    """What a change of a row concerns.

    Attributes:
        key: The column with the key of a project, or of a user and with them all their projects.
        only: The one column whose change counts; any does without it.
    """

    key: str
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Following:
    """What follows changes of some tables.

    Attributes:
        name: By which it is told from others.
        concerned: The tables.
        write: Writes what follows, given the keys of the projects and users that may have changed.
    """

    name: str
    concerned: Mapping[Any, Concern]
    write: Callable[[Session, set[UUID]], None]

    def begin(self, database: Database) -> None:
        """From now on, changes made in transactions of ``database`` are followed."""
        event.listen(database.sessions, "after_flush", self._notice)
        event.listen(database.sessions, "do_orm_execute", self._notice_statement)
        event.listen(database.sessions, "before_commit", self._end)
        event.listen(database.sessions, "after_rollback", self._forget)

    def _touched(self, session: Session) -> set[UUID]:
        touched: set[UUID] = session.info.setdefault(self._note, set())
        return touched

    @property
    def _note(self) -> str:
        return f"changes that {self.name} follow"

    def _notice(self, session: Session, _context: object) -> None:
        touched = self._touched(session)
        for row in (*session.new, *session.dirty, *session.deleted):
            concern = self.concerned.get(type(row))
            if concern is None:
                continue
            if concern.only is None or getattr(inspect(row).attrs, concern.only).history.has_changes():
                touched.add(getattr(row, concern.key))

    def _notice_statement(self, state: ORMExecuteState) -> None:
        """Edits of a version are statements, of which the session sees no row."""
        table = state.bind_mapper.class_ if state.bind_mapper is not None else None
        concern = self.concerned.get(table) if state.is_update or state.is_delete else None
        if concern is None:
            return
        query = select(getattr(table, concern.key))
        where = getattr(state.statement, "whereclause", None)
        self._touched(state.session).update(state.session.scalars(query if where is None else query.where(where)))

    def _end(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        touched: set[UUID] = session.info.pop(self._note, set())
        if touched:
            self.write(session, touched)

    def _forget(self, session: Session) -> None:
        session.info.pop(self._note, None)
