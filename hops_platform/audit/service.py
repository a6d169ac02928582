"""Reading the audit: pages, exports, and whether it is whole."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hops_platform.audit.actions import Action, ActorKind, Outcome
from hops_platform.audit.chain import Break, Head, Walk
from hops_platform.audit.events import Detail
from hops_platform.audit.head import BrokenHeadError
from hops_platform.audit.models import AuditEvent
from hops_platform.audit.schemas import AuditEventAnswer, AuditVerification, ExportForm
from hops_platform.audit.trail import Trail
from hops_platform.database import Database
from hops_platform.errors import MalformedRequestError, TooManyError
from hops_platform.paging import Page, decode_cursor, encode_cursor

_BATCH = 500
_LARGEST = 2**63 - 1
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = tuple(AuditEventAnswer.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which rows are wanted: those to which all that is given applies.

    Attributes:
        actor: By whom.
        action: What was done.
        outcome: What came of it.
        thing: To what, by its name.
        project: In which project, by its name, whichever had it.
        since: From this moment on.
        until: Before this moment.
    """

    actor: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    thing: str | None = None
    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def in_project(self, project: str | None) -> Filters:
        """These, within a project."""
        return replace(self, project=project)

    def details(self) -> dict[str, Detail]:
        """The filters that are given, as they are recorded of who reads with them."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}

    def apply(self, query: Select[AuditEvent], *, project_id: uuid.UUID | None) -> Select[AuditEvent]:
        """``query`` with the filters, within one project if its key is given."""
        if project_id is not None:
            # By its key: an earlier project of the same name is none of its business.
            query = query.where(AuditEvent.project_id == project_id)
        for column, value in (
            (AuditEvent.actor, self.actor),
            (AuditEvent.action, self.action.value if self.action is not None else None),
            (AuditEvent.outcome, self.outcome.value if self.outcome is not None else None),
            (AuditEvent.thing, self.thing),
            (AuditEvent.project, self.project),
        ):
            if value is not None:
                query = query.where(column == value)
        if self.since is not None:
            query = query.where(AuditEvent.moment >= self.since)
        if self.until is not None:
            query = query.where(AuditEvent.moment < self.until)
        return query


def list_events(
    session: Session, filters: Filters, *, project_id: uuid.UUID | None, limit: int, after: str | None
) -> Page[AuditEventAnswer]:
    """A page of rows, the newest first.

    Raises:
        MalformedRequestError: ``after`` is no position in this list.
    """
    query = filters.apply(select(AuditEvent), project_id=project_id)
    if after is not None:
        query = query.where(AuditEvent.number < _position(after))
    rows = session.scalars(query.order_by(AuditEvent.number.desc()).limit(limit + 1)).all()
    following = encode_cursor(str(rows[limit - 1].number)) if len(rows) > limit else None
    return Page(items=[show(row) for row in rows[:limit]], next=following)


def show(row: AuditEvent) -> AuditEventAnswer:
    """A row on the wire."""
    return AuditEventAnswer(
        number=row.number,
        moment=row.moment,
        actor=row.actor,
        actor_kind=ActorKind(row.actor_kind),
        action=row.action,
        project=row.project,
        thing_kind=row.thing_kind,
        thing=row.thing,
        source=row.source,
        request_id=row.request_id,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        details=json.loads(row.details),
        own_hash=row.own_hash,
    )


def export(database: Database, filters: Filters, *, project_id: uuid.UUID | None, form: ExportForm) -> Iterator[bytes]:
    """All rows that are there now, the oldest first, some at a time: between two pieces nothing is held."""
    with database.session(writes=False) as session:
        last = session.scalar(select(AuditEvent.number).order_by(AuditEvent.number.desc()).limit(1)) or 0
    if form is ExportForm.CSV:
        yield _csv_line(_COLUMNS)
    at = 0
    while rows := _batch(database, filters, project_id=project_id, after=at, last=last):
        at = rows[-1].number
        shown = [show(row) for row in rows]
        yield b"".join(_csv_line(_cells(one)) if form is ExportForm.CSV else _json_line(one) for one in shown)


def verify(database: Database, trail: Trail) -> AuditVerification:
    """Goes through all rows, and says which is the first that is missing or was changed."""
    # Read first: it follows the rows, and these may become more while they are gone through.
    head, broken_head = _head(trail)
    walk = Walk(trail.chain, head)
    while rows := _batch(database, Filters(), project_id=None, after=walk.at.number, last=_LARGEST):
        for row in rows:
            broken = walk.step(row.link())
            if broken is not None:
                return _verification(walk, broken)
    broken = walk.end()
    if broken is None and broken_head is not None and walk.at.number:
        broken = Break(walk.at.number + 1, f"{broken_head} Whether rows are missing at the end can't be told.")
    return _verification(walk, broken)


class Verifying:
    """Lets one verification run at a time: it reads every row."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def run(self, database: Database, trail: Trail) -> AuditVerification:
        """See :func:`verify`.

        Raises:
            TooManyError: One is running.
        """
        if not self._lock.acquire(blocking=False):
            raise TooManyError("The audit is being verified already.", remedy="Try again later.", retry_after_s=30)
        try:
            return verify(database, trail)
        finally:
            self._lock.release()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _head(trail: Trail) -> tuple[Head, str | None]:
    try:
        head = trail.head.read()
    except BrokenHeadError as error:
        return Head(), str(error)
    return (head, None) if head is not None else (Head(), "The file audit-head is missing.")


def _verification(walk: Walk, broken: Break | None) -> AuditVerification:
    return AuditVerification(
        whole=broken is None,
        rows=walk.at.number,
        broken_at=broken.number if broken is not None else None,
        problem=broken.words if broken is not None else None,
    )


def _batch(
    database: Database, filters: Filters, *, project_id: uuid.UUID | None, after: int, last: int
) -> Sequence[AuditEvent]:
    query = filters.apply(select(AuditEvent), project_id=project_id)
    query = query.where(AuditEvent.number > after, AuditEvent.number <= last)
    with database.session(writes=False) as session:
        return session.scalars(query.order_by(AuditEvent.number).limit(_BATCH)).all()


def _position(after: str) -> int:
    text = decode_cursor(after)
    if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST:
        raise MalformedRequestError(
            "The value of 'after' is not a position in this list.", remedy="Use the 'next' of the page before."
        )
    return int(text)


def _json_line(event: AuditEventAnswer) -> bytes:
    return event.model_dump_json().encode() + b"\n"


def _cells(event: AuditEventAnswer) -> list[Any]:
    cells = event.model_dump(mode="json") | {"details": json.dumps(event.details, sort_keys=True)}
    return [cells[name] for name in _COLUMNS]


def _csv_line(cells: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow("" if cell is None else harmless(str(cell)) for cell in cells)
    return text.getvalue().encode()
