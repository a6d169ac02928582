"""A session as the service sees it: its state, its driver and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hops_contract.principal import Principal
from hops_livy.engines.drivers import Driver, Ending, Shape, StartError
from hops_livy.errors import ConflictError, NotFoundError, TooLargeError, sendable
from hops_livy.history import History
from hops_livy.journal import Journal
from hops_livy.kinds import check_statement_kind
from hops_livy.log_end import LogEnd
from hops_livy.news import News
from hops_livy.pages import page_path
from hops_livy.queue_place import Place
from hops_livy.session_record import SessionRecord
from hops_livy.session_states import FINAL, SessionState
from hops_livy.settings import Limits
from hops_livy.statement_queue import StatementQueue
from hops_livy.statements import Statement
from hops_livy.timeouts import Timeouts


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
        record: What is written there.
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
    record: SessionRecord = field(init=False)
    _queue: StatementQueue = field(init=False)
    _log_end: LogEnd = field(default_factory=LogEnd)
    _idles: str = ""
    _work: asyncio.Task[None] | None = None
    _worker: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.history = History(self.limits, self.journal, self._forget_output)
        self.record = SessionRecord(self.journal, self.history)
        self._queue = StatementQueue(
            self.id,
            limits=self.limits,
            history=self.history,
            record=self.record,
            goes=self.change,
            worked=self._worked,
        )

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

    def fail(self, reason: str) -> None:
        """It has waited, and can't be started."""
        self.place = None
        self.change(SessionState.DEAD, reason)
        self._queue.end(reason)

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
            self.record.put({"is": "client", "kernel": kernel, "notebook": notebook})
        self.touch()

    @property
    def ends(self) -> float | None:
        """When it ends if nothing is run, in seconds since the epoch; ``None`` while it works or where it stays."""
        if self.state is not SessionState.IDLE or self.is_batch:
            return None
        now = time.monotonic()
        end = self.timeouts.end(now, last_active=self.last_active, last_heard=self.last_heard)
        return None if end is None else time.time() + end - now

    def expired(self, now: float) -> str | None:
        """Why the session should end now, if it should; one that works never should."""
        waits, idle = self.place is not None, self.state is SessionState.IDLE and not self.is_batch
        heard, notebook = self.last_heard, self.notebook
        if waits and (reason := self.timeouts.why_unheard(now, last_heard=heard, notebook=notebook)) is not None:
            return reason
        if not idle:
            return None
        return self.timeouts.why_over(now, last_active=self.last_active, last_heard=heard, notebook=notebook)

    async def works(self) -> bool:
        """Whether something goes on in it without a statement: a streaming query, or a job of a thread."""
        return self.driver is not None and not self.final and await self.driver.works()

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
        chosen = kind or self.kind
        check_statement_kind(chosen)
        if len(code) > self.limits.code_characters:
            raise TooLargeError(f"The code has {len(code)} characters; {self.limits.code_characters} are the most.")
        if key is not None and (sent := self.history.with_key(key)) is not None:
            return sent
        if self.final or self.state is SessionState.SHUTTING_DOWN:
            raise ConflictError(f"Session {self.id} has ended ({self.state}). {self.reason}".strip())
        statement = self._queue.add(code, kind=chosen, key=key, execution_count=execution_count, cell_id=cell_id)
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
        await self._queue.cancel(statement, self.driver)

    def die(self, ending: Ending) -> None:
        """Its driver has ended; what one that ended by itself left goes in its own time. Told again it does nothing."""
        if self._worker is not None:
            self._worker.cancel()
        if self.state is not SessionState.SHUTTING_DOWN:
            self.change(self._final_state(ending), ending.reason)
        self._queue.end(ending.reason)

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
            self._queue.end(reason)
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

    def restore(self, statements: dict[int, Statement], *, numbered: int) -> None:
        """Takes the statements that it had when an earlier service knew it.

        Args:
            statements: Those that are known.
            numbered: How many there have been at least.
        """
        self._queue.restore(statements, numbered=numbered, ended=self.reason if self.final else None)

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
        worker = self._worker = asyncio.create_task(self._serve(driver))
        try:
            ending = await asyncio.shield(driver.ended)
        finally:
            worker.cancel()
            await asyncio.wait([worker])
        self.die(ending)

    def _final_state(self, ending: Ending) -> SessionState:
        if self.is_batch:
            return SessionState.SUCCESS if ending.code == 0 else SessionState.DEAD
        return SessionState.KILLED if ending.asked else SessionState.DEAD

    async def _serve(self, driver: Driver) -> None:
        try:
            await asyncio.shield(driver.ready)
        except StartError:
            return  # told by the driver's ending
        self._worked()
        self.hear()
        if self.is_batch:
            self.change(SessionState.RUNNING)
        else:
            await self._queue.run(driver)

    def _worked(self) -> None:
        self.last_active = time.monotonic()

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
            "log": self._log_end.shown(self.driver, self.why, whole=self.final),
        }
        if self.place is not None:
            described["queue"] = self.place.shown()
        return described if self.is_batch else {**described, "kind": self.kind}
