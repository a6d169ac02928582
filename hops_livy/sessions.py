"""A session as the service sees it: its state, its statements one after the other, its end."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hops_contract.principal import Principal
from hops_livy.engines.drivers import Driver, Ending, Executed, Shape, StartError
from hops_livy.errors import BadRequestError, ConflictError, LeftOutError, NotFoundError, TooLargeError, TooManyError
from hops_livy.news import News
from hops_livy.outputs import Outputs
from hops_livy.settings import Limits
from hops_livy.statements import Statement, StatementState

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
    """

    id: int
    owner: Principal
    kind: str
    name: str | None
    shape: Shape
    limits: Limits
    timeouts: Timeouts = field(default_factory=Timeouts)
    gpus: tuple[int, ...] = ()
    state: SessionState = SessionState.STARTING
    reason: str = ""
    driver: Driver | None = None
    created: float = field(default_factory=time.time)
    last_active: float = field(default_factory=time.monotonic)
    last_heard: float = field(default_factory=time.monotonic)
    news: News = field(default_factory=News)
    statements: dict[int, Statement] = field(default_factory=dict)
    _waiting: asyncio.Queue[Statement] = field(default_factory=asyncio.Queue)
    _next_statement: int = 0
    _work: asyncio.Task[None] | None = None

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    @property
    def is_batch(self) -> bool:
        """Whether it is a batch."""
        return self.kind == "batch"

    def follow(self, driver: Driver) -> None:
        """Takes the driver and follows it to its end."""
        self.driver = driver
        self._work = asyncio.create_task(self._follow(driver))

    def change(self, state: SessionState, reason: str = "") -> None:
        """Goes into ``state``; a final one is never left."""
        if not self.final:
            self.state = state
            self.reason = reason
            self.news.tell()

    def hear(self) -> None:
        """A client has shown that it still cares."""
        self.last_heard = time.monotonic()

    def expired(self, now: float) -> str | None:
        """Why the session should end now, if it should; one that works never should."""
        if self.state is not SessionState.IDLE or self.is_batch:
            return None
        if self.timeouts.idle_s and now - self.last_active > self.timeouts.idle_s:
            return f"Nothing was run for {self.timeouts.idle_s / 60:.0f} minutes, the idle time of this session."
        if self.timeouts.heartbeat_s and now - self.last_heard > self.timeouts.heartbeat_s:
            return f"No client asked for this session for {self.timeouts.heartbeat_s:.0f} seconds."
        return None

    def submit(self, code: str, *, kind: str | None = None, key: str | None = None) -> Statement:
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
        if key is not None:
            for statement in self.statements.values():
                if statement.key == key:
                    return statement
        if self.final or self.state is SessionState.SHUTTING_DOWN:
            raise ConflictError(f"Session {self.id} has ended ({self.state}). {self.reason}".strip())
        if self._waiting.qsize() >= self.limits.statements_waiting:
            raise TooManyError(f"{self._waiting.qsize()} statements of this session wait already.")
        statement = Statement(
            id=self._next_statement, code=code, kind=chosen, key=key, outputs=Outputs(self.limits.output_bytes)
        )
        self._next_statement += 1
        self.statements[statement.id] = statement
        self._forget_old()
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

    async def cancel(self, statement: Statement) -> None:
        """Stops a statement; one that has ended stays as it is, one that goes on all the same is told again."""
        if statement.state is StatementState.WAITING:
            statement.finish(StatementState.CANCELLED, _interrupted())
        elif not statement.final and self.driver is not None:
            statement.state = StatementState.CANCELLING
            statement.news.tell()
            await self.driver.interrupt()

    async def end(self, reason: str, state: SessionState = SessionState.KILLED) -> None:
        """Ends it; returns when nothing of it is left."""
        if self.final or self.driver is None:
            return
        self.change(SessionState.SHUTTING_DOWN, reason)
        await self.driver.end(reason)
        if self._work is not None:
            await asyncio.wait([self._work])
        self.change(state, reason)

    def log(self) -> list[str]:
        """The driver's last lines, and the reason of the state at the end."""
        lines = [] if self.driver is None else self.driver.log()[-self.limits.log_lines :]
        return [*lines, self.reason] if self.reason else lines

    async def _follow(self, driver: Driver) -> None:
        worker = asyncio.create_task(self._run_statements(driver))
        ending = await asyncio.shield(driver.ended)
        worker.cancel()
        await asyncio.wait([worker])
        if self.state is not SessionState.SHUTTING_DOWN:
            self.change(self._final_state(ending), ending.reason)
        for statement in self.statements.values():
            if not statement.final:
                statement.fail(ending.reason)

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
            if self._waiting.empty():
                self.change(SessionState.IDLE)
            statement = await self._waiting.get()
            if statement.final:
                continue
            self.change(SessionState.BUSY)
            statement.begin()
            try:
                executed = await driver.execute(statement.code, kind=statement.kind, on_message=statement.take)
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
                statement.finish(StatementState.CANCELLED, _interrupted())
            else:
                statement.finish(StatementState.AVAILABLE, executed)
            self._forget_outputs()

    def _forget_old(self) -> None:
        old = len(self.statements) - self.limits.statements_kept
        for statement_id in list(self.statements)[: max(0, old)]:
            if self.statements[statement_id].final:
                del self.statements[statement_id]

    def _forget_outputs(self) -> None:
        total = 0
        for statement in reversed(self.statements.values()):
            total += statement.outputs.size
            if total > self.limits.session_output_bytes and statement.final:
                statement.forget_output()

    def livy(self) -> dict[str, Any]:
        """As Livy shows it."""
        info = {"driverLogUrl": None, "sparkUiUrl": None, "reason": self.reason}
        described = {
            "id": self.id,
            "name": self.name,
            "appId": None if self.driver is None else self.driver.app_id,
            "owner": self.owner.project_user,
            "proxyUser": self.owner.project_user,
            "state": str(self.state),
            "appInfo": info,
            "log": self.log()[-10:],
        }
        return described if self.is_batch else {**described, "kind": self.kind}


def _checked_kind(kind: str) -> str:
    if kind == SHARED:
        raise BadRequestError(f"Code type should be specified if session kind is {SHARED}")
    if kind == "sparkr":
        raise LeftOutError(f"R is not offered; the kinds are {', '.join(KINDS)}.")
    if kind not in KINDS:
        raise BadRequestError(f"Statements of kind {kind!r} can't be run here; the kinds are {', '.join(KINDS)}.")
    return kind


def _not_followed() -> Executed:
    reason = "The session service could not follow this statement; it may still run. Interrupt it or run it again."
    return Executed(status="error", error={"ename": "SessionServiceError", "evalue": reason, "traceback": [reason]})


def _interrupted() -> Executed:
    return Executed(status="error", error={"ename": "KeyboardInterrupt", "evalue": "Cancelled.", "traceback": []})
