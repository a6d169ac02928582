"""Statements of a session in Apache Livy: handed over once, followed to their end, kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from hops_livy.engines.drivers import Ending, Executed, MessageHandler
from hops_livy.upstream.answers import (
    AwayError,
    FailedError,
    GoneError,
    LivyError,
    MissingError,
    RefusedError,
    StatementView,
    TooMuchError,
    UnreadableError,
)
from hops_livy.upstream.client import LivyClient
from hops_livy.upstream.endings import not_now
from hops_livy.upstream.kept import Kept, KeptSession
from hops_livy.upstream.messages import FINAL, Message, executed, failed, messages, not_handed_over, not_run
from hops_livy.upstream.pace import away_pause, statement_pauses
from hops_livy.upstream.reach import Reach

LOG = logging.getLogger(__name__)
_FAILURES = 3
"""So many times in a row Livy must fail to hand over a statement's output to be asked no more."""
_NOTICED_S = 10.0
_CANCEL_AGAIN_S = 2.0
_OTHERS = 20
"""Statements of someone else's that may have come between two of ours."""


class Work:
    """Runs statements, one at a time.

    What it is in the middle of when the session ends is cancelled from outside.

    Args:
        livy: Where they run.
        name: What their session is called there.
        kept: Where they are written down.
        session: What is known of the session.
        reach: Tells whether the driver is there.
        ended: Done when the session has ended.
        tell: Takes why nothing happens at the moment, in words.
    """

    def __init__(
        self,
        livy: LivyClient,
        name: str,
        *,
        kept: Kept,
        session: KeptSession,
        reach: Reach,
        ended: asyncio.Future[Ending],
        tell: Callable[[str], None],
    ) -> None:
        self._livy = livy
        self._name = name
        self._kept = kept
        self._session = session
        self._reach = reach
        self._ended = ended
        self._tell = tell
        self._cancelled = False
        self._nudge = asyncio.Event()

    async def run(self, code: str, kind: str, statement: int, on_message: MessageHandler) -> Executed:
        """Hands a statement to Livy and returns when it has ended."""
        self._kept.begin(statement, after=self._session.last)
        try:
            view = await self._submit(code, kind)
        except (TooMuchError, UnreadableError) as error:
            return self._end(statement, [], not_handed_over(str(error)), on_message)
        except LivyError as error:
            return self._end(statement, [], not_run(str(error)), on_message)
        if view is None:
            return self._end(statement, [], failed("KeyboardInterrupt", "Cancelled."), on_message)
        return await self._follow(view, statement, on_message)

    async def resume(self, code: str, kind: str, statement: int, on_message: MessageHandler) -> Executed:
        """Goes on with one that an earlier service began."""
        kept = self._kept.statement(statement)
        if kept.executed is not None:
            for message in kept.messages:
                on_message(*message)
            return kept.executed
        if kept.number is not None:
            return await self._follow(StatementView(id=kept.number, state="running"), statement, on_message)
        try:
            view = await self._patiently(lambda: self._taken(code, kept.after)) if kept.begun else None
        except LivyError as error:
            return self._end(statement, [], not_handed_over(str(error)), on_message)
        if view is not None:
            return await self._follow(view, statement, on_message)
        return await self.run(code, kind, statement, on_message)

    def interrupt(self) -> None:
        """The running statement is to end; who follows it tells Livy, and tells it again."""
        self._cancelled = True
        self._nudge.set()

    def rest(self) -> None:
        """No statement runs: an interrupt that comes too late means none of those that follow."""
        self._cancelled = False
        self._nudge.clear()

    async def _submit(self, code: str, kind: str) -> StatementView | None:
        """Hands it over, once; ``None`` if it was cancelled before Livy took it."""
        failures, after = 0, self._session.last
        while not self._cancelled:
            maybe_taken = False
            try:
                return await self._livy.submit(self._name, code, kind)
            except GoneError:
                await self._noticed()
            except (RefusedError, FailedError) as error:
                if not not_now(str(error)):
                    if isinstance(error, RefusedError):
                        raise
                    maybe_taken = await self._reach.ask()
            except AwayError as error:
                self._tell(str(error))
                maybe_taken = error.maybe_taken
            if maybe_taken and (view := await self._patiently(lambda: self._taken(code, after))) is not None:
                return view
            await self._pause(away_pause(failures))
            failures += 1
        return None

    async def _taken(self, code: str, after: int) -> StatementView | None:
        """The statement with this code that Livy took after number ``after``, though its answer was lost."""
        for pause in (0.0, 0.5, 1.5):
            await asyncio.sleep(pause)
            for number in range(after + 1, after + 1 + _OTHERS):
                try:
                    view = await self._livy.statement(self._name, number)
                except MissingError:
                    break
                if view.code == code:
                    return view
        return None

    async def _patiently(self, ask: Callable[[], Awaitable[StatementView | None]]) -> StatementView | None:
        """What ``ask`` gives, as soon as Livy answers.

        Raises:
            LivyError: Livy answers, and can't tell.
        """
        failures = 0
        while True:
            try:
                return await ask()
            except GoneError:
                await self._noticed()
            except FailedError:
                await self._reach.ask()
            except UnreadableError:
                if failures >= _FAILURES:
                    raise
            except AwayError as error:
                self._tell(str(error))
            await self._pause(away_pause(failures))
            failures += 1

    async def _follow(self, view: StatementView, statement: int, on_message: MessageHandler) -> Executed:
        self._session.last = max(view.id, self._session.last)
        self._kept.submitted(statement, view.id)
        self._kept.keep_session(self._session)
        pauses, told_to_cancel = statement_pauses(), 0.0
        while view.state not in FINAL:
            if self._cancelled and time.monotonic() - told_to_cancel > _CANCEL_AGAIN_S:
                told_to_cancel, pauses = time.monotonic(), statement_pauses()
                await self._cancel(view.id)
            await self._pause(next(pauses))
            try:
                view = await self._look(view.id)
            except LivyError as error:
                return self._end(statement, [], not_handed_over(str(error)), on_message)
            # The driver itself has told it.
            self._reach.answered()
        return self._end(statement, messages(view), executed(view), on_message)

    async def _look(self, number: int) -> StatementView:
        """The statement, as soon as Livy answers.

        Raises:
            LivyError: Livy answers, and can't hand it over.
        """
        failures = 0
        while True:
            try:
                return await self._livy.statement(self._name, number)
            except GoneError:
                await self._noticed()
            except (MissingError, RefusedError, TooMuchError) as error:
                if not not_now(str(error)):
                    raise
            except FailedError:
                # With its driver gone the session ends, and this with it.
                if await self._reach.ask() and failures >= _FAILURES:
                    raise
            except UnreadableError:
                if failures >= _FAILURES:
                    raise
            except LivyError as error:
                self._tell(str(error))
            failures += 1
            await self._pause(away_pause(failures))

    async def _cancel(self, number: int) -> None:
        try:
            await self._livy.cancel(self._name, number)
        except LivyError as error:
            LOG.info("statement %d of %s can't be cancelled now: %s", number, self._name, error)

    def _end(self, statement: int, written: list[Message], end: Executed, on_message: MessageHandler) -> Executed:
        self._kept.finish(statement, written, end)
        for message in written:
            on_message(*message)
        return end

    async def _pause(self, pause: float) -> None:
        """Waits; an interrupt ends it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nudge.wait(), pause)
        self._nudge.clear()

    async def _noticed(self) -> None:
        """The session is gone: whoever looks at it will tell why."""
        await asyncio.wait({self._ended}, timeout=_NOTICED_S)
