"""A session as its journal tells of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.engines.amounts import UNBOUNDED, Amount
from hops_livy.engines.drivers import BatchFile, Executed, Shape
from hops_livy.journal import Entry, Journal
from hops_livy.news import News
from hops_livy.outputs import DROPPED, Outputs, Written
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.spooled import read_spool_file
from hops_livy.statements import Statement, StatementState
from hops_livy.timeouts import Timeouts


def application_of(session: Session) -> str:
    """The name of its application, which a session keeps for life."""
    return f"application_{int(session.created * 1000)}_{session.id:04d}"


def heading(session: Session, application: str, *, warm: Mapping[str, str] | None) -> Entry:
    """The first entry of a session's journal."""
    owner = session.owner
    return {
        "is": "session",
        "warm": None if warm is None else dict(warm),
        "id": session.id,
        "application": application,
        "owner": {"user": owner.user, "project": owner.project, "role": owner.role},
        "kind": session.kind,
        "name": session.name,
        "created": session.created,
        "from": session.begun_from,
        "shape": asdict(session.shape),
        "timeouts": asdict(session.timeouts),
    }


@dataclass(slots=True, kw_only=True)
class WasWaiting:
    """What is needed to start a session that waited for resources."""

    conf: dict[str, str]
    batch: BatchFile | None
    limit: Amount
    overtaken: int


class Recovered:
    """What a journal holds.

    Attributes:
        session: The session, with its statements; it has no driver yet.
        application: Its application's name.
        warm: The settings of a session that is kept ready and that nobody has been told of.
        driver: The driver's state, if it was written down.
        waiting: What is needed to start it, if it waited for resources.
        ending: Why it was to end, if that was asked for.

    Args:
        journal: The journal.
        limits: Bounds of the session.
        news: Told of what becomes of it.

    Raises:
        ValueError: It holds no session.
    """

    def __init__(self, journal: Journal, limits: Limits, news: News) -> None:
        try:
            self._read(journal, limits, news)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{journal.folder.name} tells of no session") from error

    def _read(self, journal: Journal, limits: Limits, news: News) -> None:
        entries = journal.read()
        head = next(entries, {})
        self.application = str(head["application"])
        self.session = _session(head, journal, limits, news)
        self.warm: dict[str, str] | None = head.get("warm")
        self.driver: dict[str, Any] | None = None
        self.waiting: WasWaiting | None = None
        self.ending: str | None = None
        self._statements: dict[int, Statement] = {}
        self._numbered = 0
        self.session.record.take(head)
        for entry in entries:
            self._take(entry)
        self.session.restore(self._statements, numbered=self._numbered)

    def _take(self, entry: Entry) -> None:
        match entry:
            case {"is": "driver", "state": dict() as state}:
                self.driver = state
                # Not before: a service may have died in the midst of the start, and then its turn is still to come.
                self.waiting = None
                self.session.record.take(entry, instead_of="waiting")
            case {"is": "waiting" | "overtaken"}:
                self._take_waiting(entry)
            case {"is": "ending", "reason": str() as reason}:
                self.ending = reason
                self.session.ended_by = _who(entry.get("by"))
                self.session.ended_from = str(entry.get("from") or "")
            case {"is": "client", "kernel": kernel, "notebook": notebook}:
                self.session.kernel, self.session.notebook = kernel, notebook
                self.session.record.take(entry)
            case {"is": "numbered", "next": int() as number}:
                self._numbered = number
            case {"is": "statement", "id": int() as number, "code": str() as code, "kind": str() as kind}:
                outputs = Outputs(self.session.limits.output_bytes, partial(written, self.session, number))
                self._statements[number] = Statement(
                    id=number,
                    code=code,
                    kind=kind,
                    key=entry.get("key"),
                    outputs=outputs,
                    execution_count=entry.get("execution_count"),
                    cell_id=entry.get("cell_id"),
                )
            case {"is": "ended", "state": str() as state, "reason": str() as reason, **more}:
                self.session.state, self.session.reason = SessionState(state), reason
                self.session.ended = float(more.get("at") or time.time())
            case {"id": int() as number} if number in self._statements:
                _take_change(self._statements[number], entry)

    def _take_waiting(self, entry: Entry) -> None:
        match entry:
            case {"is": "waiting"}:
                self.waiting = _was_waiting(entry)
                self.session.record.take(entry)
            case {"is": "overtaken", "times": int() as times} if self.waiting is not None:
                self.waiting.overtaken = times
                self.session.record.remember_overtaken(times)


def written(session: Session, statement: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a statement wrote, from its driver while there is one, else from the files that it left.

    The session's code may have filled the files since: no more of them comes into memory than a session may hold.
    """
    if session.recovered_bytes > session.limits.session_output_bytes:
        yield "stream", {"name": "stderr", "text": DROPPED}
        return
    for kind, content in _written(session, statement):
        session.recovered_bytes += len(json.dumps(content))
        yield kind, content


def _written(session: Session, statement: int) -> Written:
    if session.driver is not None:
        return session.driver.written(statement)
    spooled = read_spool_file(session.journal.outputs / f"{statement}.jsonl")
    return ((message.kind, message.content) for message in spooled.messages)


def _take_change(statement: Statement, entry: Entry) -> None:
    match entry:
        case {"is": "began", "at": int() as moment}:
            statement.state = StatementState.RUNNING
            statement.started_ms = moment
        case {"is": "cancelling"}:
            statement.state = StatementState.CANCELLING
        case {"is": "finished", "state": str() as state, "at": int() as moment}:
            statement.state = StatementState(state)
            statement.completed_ms = moment
            executed = entry.get("executed")
            statement.executed = None if executed is None else Executed(**executed)
        case {"is": "dropped"}:
            statement.outputs.drop()
        case {"is": "seen"}:
            statement.seen = True


def _who(by: Any) -> Principal | None:
    match by:
        case [str() as kind, str() as user]:
            return Principal(kind=PrincipalKind(kind), user=user)
    return None


def _was_waiting(entry: Entry) -> WasWaiting:
    batch = entry["batch"]
    return WasWaiting(
        conf={str(key): str(value) for key, value in entry["conf"].items()},
        batch=None
        if batch is None
        else BatchFile(
            file=Path(batch["file"]),
            arguments=tuple(map(str, batch["arguments"])),
            python_files=tuple(map(Path, batch["python_files"])),
        ),
        # A service of before knew no bound of executors.
        limit=Amount(**{"executors": UNBOUNDED, **entry["limit"]}),
        overtaken=int(entry["overtaken"]),
    )


def _session(head: Entry, journal: Journal, limits: Limits, news: News) -> Session:
    owner = head["owner"]
    role = owner.get("role")
    return Session(
        id=int(head["id"]),
        owner=Principal(
            kind=PrincipalKind.PROJECT_USER,
            user=str(owner["user"]),
            project=str(owner["project"]),
            role=None if role is None else ProjectRole(role),
        ),
        kind=str(head["kind"]),
        name=head["name"],
        created=float(head["created"]),
        begun_from=str(head.get("from") or ""),
        shape=Shape(**head["shape"]),
        timeouts=Timeouts(**head["timeouts"]),
        limits=limits,
        journal=journal,
        news=news,
    )
