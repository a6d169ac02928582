"""A session as the service sees it: its state, its statements one after the other, its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from hops_contract.principal import Principal
from hops_livy.engines.amounts import Amount
from hops_livy.engines.drivers import BatchFile, Driver, Ending, Executed, Shape, StartError
from hops_livy.errors import (
    BadRequestError,
    ConflictError,
    LeftOutError,
    NotFoundError,
    TooLargeError,
    TooManyError,
    sendable,
)
from hops_livy.history import History
from hops_livy.journal import Entry, Journal
from hops_livy.news import News
from hops_livy.outputs import Outputs
from hops_livy.pages import page_path
from hops_livy.queue_place import Place
from hops_livy.settings import Limits
from hops_livy.statements import Statement, StatementState, session_ended

Run = Callable[..., Coroutine[Any, Any, Executed]]
_AGAIN_S = 0.5
_LAST_LINES = 10
"""Of its log, wherever a session is shown; as Livy does."""
_LINES_GOOD_S = 1.0
"""Whoever lists sessions again and again costs one reading of each log in that time; for news there is the log."""
_SILENT = 0.2
"""A client that has been silent for this share of its time has missed several of its signs of life."""
LOG = logging.getLogger(__name__)
KINDS = ("pyspark", "spark", "sql")
"""Of statements."""
SHARED = "shared"
"""The kind of a session whose statements all name their own; Livy's."""


class SessionState(StrEnum):
    """Livy's states of a session or batch."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting_down"
    ERROR = "error"
    DEAD = "dead"
    KILLED = "killed"
    SUCCESS = "success"


FINAL = frozenset({SessionState.ERROR, SessionState.DEAD, SessionState.KILLED, SessionState.SUCCESS})


@dataclass(slots=True, kw_only=True)
class Timeouts:
    """When a session that does nothing ends; 0 means never."""

    idle_s: float = 0.0
    heartbeat_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Session:
    """A session or batch.

    Attributes:
        id: Unique also over restarts of the service.
        owner: Whose it is.
        kind: ``pyspark``, ``spark``, ``sql`` or ``shared``; ``batch`` for a batch.
        name: As the owner called it.
        shape: The resources asked for.
        gpus: Addresses of the GPUs that it holds.
        reason: Why it is in its state, in words, where that isn't plain.
        kernel: Id of the notebook kernel that works in it, as that told it.
        notebook: The notebook of that kernel, as it told it.
        journal: Where it is written down, for a later service to find it again.
        history: Its statements.
        head: What the journal begins with.
        place: Its place in the queue, while it waits for resources; its state is then ``starting``, because Livy's
            clients (sparkmagic) delete no session that is ``not_started``.
        leave: Takes it out of the queue; waits for a start that has begun.
        on_end: Told when it has ended.
        begun_from: The network address that it was asked for from, where that is known.
        ended_by: Who asked for its end, if somebody did.
        ended_from: The network address that they did it from.
        recovered_bytes: How much of what was written for an earlier service has been read.
        ended: When it ended, in seconds since the epoch.
    """

    id: int
    owner: Principal
    kind: str
    name: str | None
    shape: Shape
    limits: Limits
    journal: Journal
    head: list[Entry] = field(default_factory=list)
    recovered_bytes: int = 0
    timeouts: Timeouts = field(default_factory=Timeouts)
    gpus: tuple[int, ...] = ()
    state: SessionState = SessionState.STARTING
    reason: str = ""
    kernel: str | None = None
    notebook: str | None = None
    place: Place | None = None
    leave: Callable[[], Awaitable[None]] | None = None
    on_end: Callable[[Session], None] | None = None
    begun_from: str = ""
    ended_by: Principal | None = None
    ended_from: str = ""
    driver: Driver | None = None
    created: float = field(default_factory=time.time)
    ended: float | None = None
    last_active: float = field(default_factory=time.monotonic)
    last_heard: float = field(default_factory=time.monotonic)
    news: News = field(default_factory=News)
    history: History = field(init=False)
    _waiting: asyncio.Queue[Statement] = field(default_factory=asyncio.Queue)
    _idles: str = ""
    _resumed: Statement | None = None
    _interrupting: asyncio.Future[None] | None = None
    _work: asyncio.Task[None] | None = None
    _worker: asyncio.Task[None] | None = None
    _last_lines: list[str] = field(default_factory=list)
    _lines_read: float = -_LINES_GOOD_S

    def __post_init__(self) -> None:
        self.history = History(self.limits, self.journal, self._forget_output)

    @property
    def statements(self) -> dict[int, Statement]:
        """Its statements that are known, by number, oldest first."""
        return self.history.statements

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    @property
    def gone(self) -> bool:
        """Whether nothing of its driver is left either."""
        return self.final and (self.driver is None or self.driver.ended.done())

    @property
    def is_batch(self) -> bool:
        """Whether it is a batch."""
        return self.kind == "batch"

    @property
    def why(self) -> str:
        """Why it is in its state, or what it waits for in it, in words; empty where neither need be said."""
        return self.reason or ("" if self.final else self._idles)

    @property
    def page_path(self) -> str | None:
        """Where its owner's browser finds Spark's pages, once there are any."""
        shown = self.driver is not None and self.driver.shows_pages and not self.is_batch and not self.final
        return page_path(self.owner, self.id) if shown else None

    def follow(self, driver: Driver) -> None:
        """Takes the driver and follows it to its end."""
        self.driver = driver
        self._work = asyncio.create_task(self._follow(driver))

    def change(self, state: SessionState, reason: str = "") -> None:
        """Goes into ``state``; a final one is never left."""
        if not self.final:
            self.state = state
            # Code of the session may have a hand in it: half a character would keep all sessions from being told of.
            self.reason = reason = sendable(reason)
            if self.final:
                self.ended = time.time()
                if self.on_end is not None:
                    self.on_end(self)
                self.journal.write({"is": "ended", "state": str(state), "reason": reason, "at": self.ended})
                self.journal.forget_token()
            self.news.tell()

    def explain(self, reason: str) -> None:
        """Tells why the driver does nothing at the moment; with nothing, that this is over."""
        reason = sendable(reason)
        if not self.final and self._idles != reason:
            self._idles = reason
            self.news.tell()

    def wait_at(self, place: Place | None) -> None:
        """Stands at ``place`` in the queue from now on, or at none any more."""
        if place != self.place and not self.final:
            self.place = place
            self.reason = "" if place is None else place.sentence()
            self.news.tell()

    def begin_to_wait(self, *, conf: Mapping[str, str], batch: BatchFile | None, limit: Amount, overtaken: int) -> None:
        """Writes down what a later service needs to start it when its turn has come."""
        entry: Entry = {
            "is": "waiting",
            "conf": dict(conf),
            "batch": None if batch is None else asdict(batch),
            "limit": asdict(limit),
            "overtaken": overtaken,
        }
        self.head[:] = [*self.head_without("waiting"), entry]
        self.journal.write(entry)

    def note_overtaken(self, times: int) -> None:
        """Others were served before it."""
        self.remember_overtaken(times)
        self.journal.write({"is": "overtaken", "times": times})

    def remember_overtaken(self, times: int) -> None:
        """As it is written down already."""
        for entry in self.head:
            if entry["is"] == "waiting":
                entry["overtaken"] = times

    def head_without(self, kind: str) -> list[Entry]:
        """What the journal begins with, but for entries of ``kind``."""
        return [entry for entry in self.head if entry["is"] != kind]

    def fail(self, reason: str) -> None:
        """It has waited, and can't be started."""
        self.place = None
        self.change(SessionState.DEAD, reason)
        self._end_statements(reason)

    def hear(self) -> None:
        """A client has shown that it still cares."""
        self.last_heard = time.monotonic()

    def touch(self) -> None:
        """Somebody wants it to stay: its idle time begins anew."""
        self.last_active = time.monotonic()
        self.news.tell()

    def take_up(self, kernel: str | None, notebook: str | None) -> None:
        """Another kernel works in it from now on, that of ``notebook``."""
        if (self.kernel, self.notebook) != (kernel, notebook):
            self.kernel, self.notebook = kernel, notebook
            entry = {"is": "client", "kernel": kernel, "notebook": notebook}
            self.head[:] = [*self.head_without("client"), entry]
            if self.journal.grown:
                self.journal.rewrite([*self.head, *self.history.entries()])
            else:
                self.journal.write(entry)
        self.touch()

    @property
    def ends(self) -> float | None:
        """When it ends if nothing is run, in seconds since the epoch; ``None`` while it works or where it stays.

        That its client will be gone is not foreseen: only one that has been silent for long is believed to be.
        """
        if self.state is not SessionState.IDLE or self.is_batch:
            return None
        now, ends = time.monotonic(), []
        if self.timeouts.idle_s:
            ends.append(self.last_active + self.timeouts.idle_s)
        heard = max(self.last_heard, self.last_active)
        if self.timeouts.heartbeat_s and now - heard > self.timeouts.heartbeat_s * _SILENT:
            ends.append(heard + self.timeouts.heartbeat_s)
        return time.time() + min(ends) - now if ends else None

    def expired(self, now: float) -> str | None:
        """Why the session should end now, if it should; one that works never should."""
        if self.place is not None and self.timeouts.heartbeat_s and now - self.last_heard > self.timeouts.heartbeat_s:
            return self._unheard()
        if self.state is not SessionState.IDLE or self.is_batch:
            return None
        if self.timeouts.idle_s and now - self.last_active > self.timeouts.idle_s:
            return f"Nothing was run for {_span(self.timeouts.idle_s)}, the idle time of this session."
        # Whose notebook went away while a cell ran finds the session for as long after the cell's end.
        if self.timeouts.heartbeat_s and now - max(self.last_heard, self.last_active) > self.timeouts.heartbeat_s:
            return self._unheard()
        return None

    async def works(self) -> bool:
        """Whether something goes on in it without a statement: a streaming query, or a job of a thread."""
        return self.driver is not None and not self.final and await self.driver.works()

    def _unheard(self) -> str:
        span = _span(self.timeouts.heartbeat_s)
        if self.notebook is not None:
            return f"Its notebook was gone for {span}."
        return f"No client asked for this session for {span}."

    def submit(
        self,
        code: str,
        *,
        kind: str | None = None,
        key: str | None = None,
        execution_count: int | None = None,
        cell_id: str | None = None,
    ) -> Statement:
        """Puts a statement at the end of the queue; the same ``key`` again gives the same statement.

        Raises:
            BadRequestError: The kind is unknown.
            ConflictError: The session can't run anything.
            LeftOutError: Livy has the kind, this service has not.
            TooLargeError: There is too much code.
            TooManyError: Too many statements wait.
        """
        chosen = _checked_kind(kind or self.kind)
        if len(code) > self.limits.code_characters:
            raise TooLargeError(f"The code has {len(code)} characters; {self.limits.code_characters} are the most.")
        if key is not None and (sent := self.history.with_key(key)) is not None:
            return sent
        if self.final or self.state is SessionState.SHUTTING_DOWN:
            raise ConflictError(f"Session {self.id} has ended ({self.state}). {self.reason}".strip())
        if self._waiting.qsize() >= self.limits.statements_waiting:
            raise TooManyError(f"{self._waiting.qsize()} statements of this session wait already.")
        statement = Statement(
            id=self.history.number(),
            code=code,
            kind=chosen,
            key=key,
            outputs=Outputs(self.limits.output_bytes),
            execution_count=execution_count,
            cell_id=cell_id,
        )
        self.history.add(statement)
        self._waiting.put_nowait(statement)
        # A client that looks at once must not find the session idle and this statement unheard of.
        if self.state is SessionState.IDLE:
            self.change(SessionState.BUSY)
        return statement

    def statement(self, statement_id: int) -> Statement:
        """The statement with that number.

        Raises:
            NotFoundError: There is none.
        """
        try:
            return self.statements[statement_id]
        except KeyError:
            raise NotFoundError(f"Session {self.id} has no statement {statement_id}.") from None

    def tell_end(self, statement: Statement) -> None:
        """A client is told how a statement ended."""
        if not statement.seen:
            statement.seen = True
            self.journal.write(statement.seen_entry())

    async def cancel(self, statement: Statement) -> None:
        """Stops a statement; one that has ended stays as it is, one that goes on all the same is told again."""
        if statement.state is StatementState.WAITING:
            self._finish(statement, StatementState.CANCELLED, _interrupted())
        elif not statement.final and self.driver is not None:
            if statement.state is not StatementState.CANCELLING:
                self.journal.write({"is": "cancelling", "id": statement.id})
            statement.state = StatementState.CANCELLING
            statement.news.tell()
            await self.driver.interrupt()

    def die(self, ending: Ending) -> None:
        """Its driver has ended; what one that ended by itself left goes in its own time. Told again it does nothing."""
        if self._worker is not None:
            self._worker.cancel()
        if self.state is not SessionState.SHUTTING_DOWN:
            self.change(self._final_state(ending), ending.reason)
        self._end_statements(ending.reason)

    async def end(
        self,
        reason: str,
        state: SessionState = SessionState.KILLED,
        *,
        by: Principal | None = None,
        source: str = "",
        at_once: bool = False,
    ) -> None:
        """Ends it; returns when nothing of it is left.

        Args:
            reason: Why.
            state: Which it then has.
            by: Who asked for it; ``None`` for the platform itself.
            source: The network address that they are at.
            at_once: Whether its code may do nothing more.
        """
        if self.final:
            if self._work is not None:
                await asyncio.wait([self._work])
            return
        if self.state is not SessionState.SHUTTING_DOWN:
            self.ended_by, self.ended_from = by, source
        if self.driver is None:
            self.place = None
            self.change(state, reason)
            self._end_statements(reason)
            if self.leave is not None:
                await self.leave()
            return
        self.change(SessionState.SHUTTING_DOWN, reason)
        whose = None if by is None else [by.kind, by.user]
        self.journal.write({"is": "ending", "reason": reason, "by": whose, "from": source})
        await self.driver.end(reason, at_once=at_once)
        if self._work is not None:
            await asyncio.wait([self._work])
        self.change(state, reason)

    def log(self) -> list[str]:
        """The driver's last lines, and the reason of the state at the end."""
        lines = [] if self.driver is None else self.driver.log()[-self.limits.log_lines :]
        return [*lines, self.why] if self.why else lines

    def _log_end(self) -> list[str]:
        """The end of :meth:`log`, of which a part may be a second old while it lives."""
        now = time.monotonic()
        if self.driver is not None and (self.final or now - self._lines_read >= _LINES_GOOD_S):
            self._last_lines, self._lines_read = self.driver.log()[-_LAST_LINES:], now
        return [*self._last_lines, *filter(None, [self.why])][-_LAST_LINES:]

    def restore(self, statements: dict[int, Statement], *, numbered: int) -> None:
        """Takes the statements that it had when an earlier service knew it.

        Args:
            statements: Those that are known.
            numbered: How many there have been at least.
        """
        for statement in statements.values():
            if self.final and not statement.final:
                statement.finish(StatementState.ERROR, session_ended(self.reason))
            elif statement.state is StatementState.WAITING:
                self._waiting.put_nowait(statement)
            elif not statement.final:
                self._resumed = statement
        self.history.restore(statements, numbered=numbered)

    def renew_token(self, token: str) -> None:
        """Puts a new token in the place of the old one. Never logged."""
        if self.final:
            return
        self.journal.keep_token(token)
        if self.driver is not None:
            self.driver.renew_token(token)

    async def detach(self) -> None:
        """Lets go of it; its driver works on."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
        if self.driver is not None:
            self.driver.detach()

    async def _follow(self, driver: Driver) -> None:
        worker = self._worker = asyncio.create_task(self._run_statements(driver))
        try:
            ending = await asyncio.shield(driver.ended)
        finally:
            worker.cancel()
            await asyncio.wait([worker])
        self.die(ending)

    def _end_statements(self, reason: str) -> None:
        for statement in self.statements.values():
            if not statement.final:
                self._finish(statement, StatementState.ERROR, session_ended(reason))

    def _final_state(self, ending: Ending) -> SessionState:
        if self.is_batch:
            return SessionState.SUCCESS if ending.code == 0 else SessionState.DEAD
        return SessionState.KILLED if ending.asked else SessionState.DEAD

    async def _run_statements(self, driver: Driver) -> None:
        try:
            await asyncio.shield(driver.ready)
        except StartError:
            return  # told by the driver's ending
        self.last_active = time.monotonic()
        self.hear()
        if self.is_batch:
            self.change(SessionState.RUNNING)
            return
        while True:
            run, statement = await self._next(driver)
            if statement.final:
                continue
            self.change(SessionState.BUSY)
            try:
                executed = await run(
                    statement.code,
                    kind=statement.kind,
                    statement=statement.id,
                    on_message=statement.take,
                    execution_count=statement.execution_count,
                )
            except StartError:
                return  # told by the driver's ending
            except Exception:
                # Whatever it is, it must not leave the session busy for ever, where nothing ends it.
                LOG.exception("a statement of session %d can't be followed", self.id)
                executed = _not_followed()
            cancelled = statement.state is StatementState.CANCELLING and executed.status != "ok"
            self.last_active = time.monotonic()
            if self._waiting.empty():
                self.change(SessionState.IDLE)
            if cancelled:
                self._finish(statement, StatementState.CANCELLED, _interrupted())
            else:
                self._finish(statement, StatementState.AVAILABLE, executed)
            self.history.drop_old_outputs()

    async def _next(self, driver: Driver) -> tuple[Run, Statement]:
        """The next statement, begun, and what runs it: one that an earlier service had begun goes first."""
        if self._resumed is not None:
            statement, self._resumed = self._resumed, None
            statement.outputs.begin_anew()
            if statement.state is StatementState.CANCELLING:
                # Whether the driver was told nobody knows; told twice it does no harm.
                asyncio.get_running_loop().call_later(_AGAIN_S, self._interrupt_again, driver, statement)
            return driver.resume, statement
        if self._waiting.empty():
            self.change(SessionState.IDLE)
        statement = await self._waiting.get()
        if not statement.final:
            statement.begin()
            self.journal.write({"is": "began", "id": statement.id, "at": statement.started_ms})
        return driver.execute, statement

    def _interrupt_again(self, driver: Driver, statement: Statement) -> None:
        if not statement.final:
            self._interrupting = asyncio.ensure_future(driver.interrupt())

    def _finish(self, statement: Statement, state: StatementState, executed: Executed) -> None:
        statement.finish(state, executed)
        self.journal.write(statement.finished_entry())
        if self.journal.grown:
            self.journal.rewrite([*self.head, *self.history.entries()])

    def _forget_output(self, statement: int) -> None:
        if self.driver is not None:
            self.driver.forget(statement)

    def livy(self) -> dict[str, Any]:
        """As Livy shows it."""
        info = {"driverLogUrl": None, "sparkUiUrl": self.page_path, "reason": self.why}
        described = {
            "id": self.id,
            "name": self.name,
            "appId": None if self.driver is None else self.driver.app_id,
            "owner": self.owner.project_user,
            "proxyUser": self.owner.project_user,
            "state": str(self.state),
            "appInfo": info,
            "log": self._log_end(),
        }
        if self.place is not None:
            described["queue"] = self.place.shown()
        return described if self.is_batch else {**described, "kind": self.kind}


def _checked_kind(kind: str) -> str:
    if kind == SHARED:
        raise BadRequestError(f"Code type should be specified if session kind is {SHARED}")
    if kind == "sparkr":
        raise LeftOutError(f"R is not offered; the kinds are {', '.join(KINDS)}.")
    if kind not in KINDS:
        raise BadRequestError(f"Statements of kind {kind!r} can't be run here; the kinds are {', '.join(KINDS)}.")
    return kind


def _span(seconds: float) -> str:
    """A span in the unit in which it is whole: ``15 minutes``, ``90 seconds``."""
    count, unit = (seconds / 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"{count:.0f} {unit}" if round(count) == 1 else f"{count:.0f} {unit}s"


def _not_followed() -> Executed:
    reason = "The session service could not follow this statement; it may still run. Interrupt it or run it again."
    return Executed(status="error", error={"ename": "SessionServiceError", "evalue": reason, "traceback": [reason]})


def _interrupted() -> Executed:
    return Executed(status="error", error={"ename": "KeyboardInterrupt", "evalue": "Cancelled.", "traceback": []})
