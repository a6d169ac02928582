"""The statements of one session, run one after the other.

Laws:

1. They run in the order in which they came; one that an earlier service had begun goes first.
2. What has ended stays as it is.
3. Whatever happens to one of them, the next one is run: nothing leaves the session busy for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from hops_livy.engines.drivers import Driver, Executed, StartError
from hops_livy.errors import TooManyError
from hops_livy.history import History
from hops_livy.outputs import Outputs
from hops_livy.session_record import SessionRecord
from hops_livy.session_states import SessionState
from hops_livy.settings import Limits
from hops_livy.statements import Statement, StatementState, session_ended

LOG = logging.getLogger(__name__)
_AGAIN_S = 0.5
Run = Callable[..., Coroutine[Any, Any, Executed]]


class StatementQueue:
    """Runs the statements of one session.

    Args:
        session_id: The session's number, for the log.
        limits: Bounds.
        history: Where the statements are kept.
        record: Where it is written down what becomes of them.
        goes: Told whether the session is idle or busy.
        worked: Told when a statement has ended that was run.
    """

    def __init__(
        self,
        session_id: int,
        *,
        limits: Limits,
        history: History,
        record: SessionRecord,
        goes: Callable[[SessionState], None],
        worked: Callable[[], None],
    ) -> None:
        self._session_id = session_id
        self._limits = limits
        self._history = history
        self._record = record
        self._goes = goes
        self._worked = worked
        self._waiting: asyncio.Queue[Statement] = asyncio.Queue()
        self._resumed: Statement | None = None
        self._interrupting: asyncio.Future[None] | None = None

    def add(
        self, code: str, *, kind: str, key: str | None, execution_count: int | None, cell_id: str | None
    ) -> Statement:
        """Puts a statement at the end.

        Raises:
            TooManyError: Too many wait.
        """
        if self._waiting.qsize() >= self._limits.statements_waiting:
            raise TooManyError(f"{self._waiting.qsize()} statements of this session wait already.")
        statement = Statement(
            id=self._history.number(),
            code=code,
            kind=kind,
            key=key,
            outputs=Outputs(self._limits.output_bytes),
            execution_count=execution_count,
            cell_id=cell_id,
        )
        self._history.add(statement)
        self._waiting.put_nowait(statement)
        return statement

    def restore(self, statements: dict[int, Statement], *, numbered: int, ended: str | None) -> None:
        """Takes the statements that an earlier service knew.

        Args:
            statements: Those that are known.
            numbered: How many there have been at least.
            ended: Why the session has ended, if it has.
        """
        for statement in statements.values():
            if ended is not None and not statement.final:
                statement.finish(StatementState.ERROR, session_ended(ended))
            elif statement.state is StatementState.WAITING:
                self._waiting.put_nowait(statement)
            elif not statement.final:
                self._resumed = statement
        self._history.restore(statements, numbered=numbered)

    async def cancel(self, statement: Statement, driver: Driver | None) -> None:
        """Stops a statement; one that has ended stays as it is, one that goes on all the same is told again."""
        if statement.state is StatementState.WAITING:
            self._finish(statement, StatementState.CANCELLED, _interrupted())
        elif not statement.final and driver is not None:
            if statement.state is not StatementState.CANCELLING:
                statement.state = StatementState.CANCELLING
                self._record.note({"is": "cancelling", "id": statement.id})
            statement.news.tell()
            await driver.interrupt()

    def end(self, reason: str) -> None:
        """The session has ended: what runs and what waits has failed with it."""
        for statement in self._history.statements.values():
            if not statement.final:
                self._finish(statement, StatementState.ERROR, session_ended(reason))

    async def run(self, driver: Driver) -> None:
        """Runs them in ``driver``, which is ready, until it has ended."""
        while True:
            run, statement = await self._next(driver)
            if statement.final:
                continue
            self._goes(SessionState.BUSY)
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
                LOG.exception("a statement of session %d can't be followed", self._session_id)
                executed = _not_followed()
            cancelled = statement.state is StatementState.CANCELLING and executed.status != "ok"
            self._worked()
            if self._waiting.empty():
                self._goes(SessionState.IDLE)
            if cancelled:
                self._finish(statement, StatementState.CANCELLED, _interrupted())
            else:
                self._finish(statement, StatementState.AVAILABLE, executed)
            self._history.drop_old_outputs()

    async def _next(self, driver: Driver) -> tuple[Run, Statement]:
        """The next statement, begun, and what runs it."""
        if self._resumed is not None:
            statement, self._resumed = self._resumed, None
            statement.outputs.begin_anew()
            if statement.state is StatementState.CANCELLING:
                # Whether the driver was told nobody knows; told twice it does no harm.
                asyncio.get_running_loop().call_later(_AGAIN_S, self._interrupt_again, driver, statement)
            return driver.resume, statement
        if self._waiting.empty():
            self._goes(SessionState.IDLE)
        statement = await self._waiting.get()
        if not statement.final:
            statement.begin()
            self._record.note({"is": "began", "id": statement.id, "at": statement.started_ms})
        return driver.execute, statement

    def _interrupt_again(self, driver: Driver, statement: Statement) -> None:
        if not statement.final:
            self._interrupting = asyncio.ensure_future(driver.interrupt())

    def _finish(self, statement: Statement, state: StatementState, executed: Executed) -> None:
        statement.finish(state, executed)
        self._record.note(statement.finished_entry())


def _not_followed() -> Executed:
    reason = "The session service could not follow this statement; it may still run. Interrupt it or run it again."
    return Executed(status="error", error={"ename": "SessionServiceError", "evalue": reason, "traceback": [reason]})


def _interrupted() -> Executed:
    return Executed(status="error", error={"ename": "KeyboardInterrupt", "evalue": "Cancelled.", "traceback": []})
