"""Looks at a session or batch of Apache Livy's until it has ended: Livy tells nothing by itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import NamedTuple

from hops_livy.engines.drivers import DriverRequest
from hops_livy.upstream.answers import GoneError, LivyError, MissingError, SessionView
from hops_livy.upstream.client import LivyClient
from hops_livy.upstream.endings import ENDED, FORGOTTEN, REPLACED, RUNNING, STARTING, unreachable, waits_for, why_ended
from hops_livy.upstream.kept import Kept, KeptSession
from hops_livy.upstream.pace import away_pause
from hops_livy.upstream.reach import Reach
from hops_livy.upstream.rounds import Rounds

_DOUBTFUL_S = 0.45
"""Seconds until a driver that was out of reach is asked again."""
_RECENT = 0.75
"""Within this part of the pause between two questions an answer makes the next one needless."""
_KEEP_S = 300.0
"""Livy ends sessions in which nothing was run for an hour, if its site says no other time; here other times hold."""


class Ended(NamedTuple):
    """How it ended.

    Attributes:
        reason: In words.
        given_up: Whether the service itself gave it up.
        gone: Whether nothing of it is left in Livy.
        code: 0 for a batch that has done its work.
    """

    reason: str
    given_up: bool = False
    gone: bool = False
    code: int | None = None


class Watch:
    """Looks at one.

    Args:
        request: What it was asked for with.
        livy: Where it runs.
        kind: ``sessions`` or ``batches``.
        name: What it is called there.
        kept: Where what is known of it is written down.
        session: What is known of it.
        reach: Tells whether the driver is there.
        start_s: After so many seconds the start has failed.
        rounds: Look at it with all others.
        probe_pause: Seconds between two questions to the driver itself.
        heartbeat_s: Seconds after which Livy must be asked for it alone, to go on caring for it.
        on_ready: Called whenever it is seen to work.

    Attributes:
        log: Its last lines.
        log_wanted: Whether somebody has asked for them since they were read.
        looked: Set when it is known for the first time what it does.
    """

    def __init__(
        self,
        request: DriverRequest,
        livy: LivyClient,
        *,
        kind: str,
        name: str,
        kept: Kept,
        session: KeptSession,
        reach: Reach,
        start_s: float,
        rounds: Rounds,
        probe_pause: Callable[[], float],
        heartbeat_s: float,
        on_ready: Callable[[], None],
    ) -> None:
        self._request = request
        self._livy = livy
        self._kind = kind
        self._name = name
        self._kept = kept
        self._session = session
        self._reach = reach
        self._start_s = start_s
        self._rounds = rounds
        self._probe_pause = probe_pause
        self._heartbeat_s = heartbeat_s
        self._on_ready = on_ready
        self.log: list[str] = []
        self.log_wanted = True
        self.looked = asyncio.Event()
        self._state = "starting"
        self._livy_away = False
        self._starts_since = self._touched = time.monotonic()
        self._asked_for = float("-inf")

    async def until_ended(self, view: SessionView | None) -> Ended:
        """Looks again and again; returns how it ended.

        Args:
            view: What is known already.
        """
        probing = asyncio.create_task(self._probe()) if self._kind == "sessions" else None
        try:
            return await self._until_ended(view)
        finally:
            if probing is not None:
                probing.cancel()

    async def _until_ended(self, view: SessionView | None) -> Ended:
        failures = 0
        while True:
            try:
                ended = await self._look(view or await self._next_view())
            except GoneError:
                return Ended(FORGOTTEN, gone=True)
            except LivyError as error:
                self._request.tell(str(error))
                self._reach.livy_is_away()
                self._livy_away = True
                failures += 1
                pause = away_pause(failures)
                # Time in which nobody could look is no time in which it did not start.
                self._starts_since += pause
                await asyncio.sleep(pause)
            else:
                if ended is not None:
                    return ended
                self.looked.set()
                self._livy_away, failures = False, 0
            view = None

    async def _next_view(self) -> SessionView:
        """With all others in their next round; by itself where its driver is gone, or the round does not have it."""
        if self._reach.given_up.is_set():
            # Livy could not be asked for a last time.
            await asyncio.sleep(_DOUBTFUL_S)
        elif time.monotonic() - self._asked_for < self._heartbeat_s:
            in_round = asyncio.create_task(self._rounds.next(self._name, starting=self._state in STARTING))
            gone = asyncio.create_task(self._reach.given_up.wait())
            try:
                await asyncio.wait({in_round, gone}, return_when=asyncio.FIRST_COMPLETED)
                if in_round.done() and (view := in_round.result()) is not None:
                    return view
            finally:
                in_round.cancel()
                gone.cancel()
        view = await self._livy.get(self._kind, self._name)
        self._asked_for = time.monotonic()
        return view

    async def _probe(self) -> None:
        """Asks the driver itself, beside the looks: one that hangs must not delay what Livy can tell."""
        while True:
            if self._reach.doubtful:
                await asyncio.sleep(_DOUBTFUL_S)
            else:
                pause = self._probe_pause()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._reach.doubt.wait(), pause)
                    continue
                # A statement that Livy is asked for has told as well.
                if self._reach.silence_s < pause * _RECENT:
                    continue
            if self._state in RUNNING and not self._livy_away:
                await self._reach.ask()

    async def _look(self, view: SessionView) -> Ended | None:
        known = self._session.app_id
        if (view.name, view.proxy_user) != (self._name, self._owner) or (known and view.app_id not in (None, known)):
            return Ended(REPLACED, gone=True)
        if view.app_id is not None and known is None:
            self._session.app_id = view.app_id
            self._kept.keep_session(self._session)
        self._state = view.state
        if self.log_wanted or view.state in ENDED:
            self.log_wanted = False
            await self.read_log(view.log)
        if view.state in ENDED:
            done = view.state == "success" and self._kind == "batches"
            return Ended("", code=0) if done else Ended(self._why(view.state))
        if view.state in STARTING:
            # It can't answer yet, or, recovering, not again.
            self._reach.answered()
            return self._starting(view)
        self._starts_since = time.monotonic()
        if not self._reach.doubtful:
            self._request.tell("")
        self._on_ready()
        return None if self._kind == "batches" else await self._ask_driver()

    def _starting(self, view: SessionView) -> Ended | None:
        if time.monotonic() - self._starts_since > self._start_s:
            return Ended(f"The session did not start in {self._start_s:.0f} seconds; see its log.", given_up=True)
        self._request.tell(waits_for(view.log) or waits_for(self.log))
        return None

    async def _ask_driver(self) -> Ended | None:
        if time.monotonic() - self._touched > _KEEP_S:
            self._touched = time.monotonic()
            await self._livy.keep(self._name)
        if not self._reach.lost or not await self._reach.is_lost():
            return None
        await self.read_log(self.log)
        reason = unreachable(self._state, self._reach.trouble)
        return Ended(f"{reason} {self._why('dead')}" if self.log else reason)

    async def read_log(self, otherwise: list[str]) -> None:
        """Reads the log; where Livy does not give it, ``otherwise`` is all that is known."""
        try:
            self.log = await self._livy.log(self._kind, self._name)
        except LivyError:
            self.log = otherwise

    async def delete(self) -> None:
        """Ends it in Livy; returns when it is gone there."""
        failures = 0
        while True:
            try:
                await self._livy.delete(self._kind, self._name)
            except (GoneError, MissingError):
                return
            except LivyError:
                failures += 1
                await asyncio.sleep(away_pause(failures))
            else:
                return

    @property
    def _owner(self) -> str:
        return self._request.owner.project_user

    def _why(self, state: str) -> str:
        return why_ended(state, self.log, shape=self._request.shape, owner=self._owner)
