"""When a session is started that nobody has asked for yet (docs/decisions/0007-warm-sessions.md)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sized
from dataclasses import dataclass, field

from hops_contract.principal import Principal
from hops_contract.slugs import split_project_user
from hops_livy.engines.drivers import Shape
from hops_livy.idleness import Idleness
from hops_livy.pool import Warm, WarmPool
from hops_livy.session_states import SessionState

_FIRST_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class WarmState:
    """What is kept ready for somebody: ``ready``, ``starting``, ``waiting`` or ``none``, and why."""

    state: str
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class KeptReady:
    """Decides about sessions that are started ahead, one at a time for each project-user.

    Attributes:
        pool: Those that there are.
        idleness: Tells when the machine has room and time.
        waiting: Those that wait for resources; while there are any none is started.
        end: Ends one of the pool.
        works: Whether any session starts or works now.
        may_start: Whether one more may start at this moment, beside those that start already.
    """

    pool: WarmPool
    idleness: Idleness
    waiting: Sized
    end: Callable[[Warm], Awaitable[None]]
    works: Callable[[], bool]
    may_start: Callable[[], bool]
    _begun: set[str] = field(default_factory=set)
    _last: dict[str, float] = field(default_factory=dict)

    async def keep(
        self,
        principal: Principal,
        shape: Shape,
        conf: dict[str, str],
        *,
        first: Callable[[], bool],
        start: Callable[[], Awaitable[WarmState]],
    ) -> WarmState:
        """Keeps the session ready that there is, or starts one if there is room and time for it.

        Args:
            principal: For whom.
            shape: The resources that they will ask for.
            conf: The settings that they will ask for.
            first: Whether they have no session yet: then one is begun at once, else when the machine has little to do.
                At once no more than every minute: who asks for another shape each time starts nothing by it.
            start: Starts one and tells what has become of it.
        """
        owner = principal.project_user
        if owner in self._begun:
            return WarmState("starting")
        # One at a time for each: while one is waited for, another would take its place in the pool.
        self._begun.add(owner)
        try:
            for spent in self.pool.spent(time.monotonic()):
                await self.end(spent)
            warm = self.pool.of(owner)
            if warm is not None and warm.fits(owner, shape, conf):
                warm.wanted = time.monotonic()
                return WarmState("starting" if warm.session.state is SessionState.STARTING else "ready")
            later = self._why_later(owner, first)
            if warm is not None:
                if later is not None:
                    return WarmState("waiting", later)  # until then the other one is better than none
                await self.end(warm)
            if (reason := self._why_not(principal, shape)) is not None:
                return WarmState("none", reason)
            if later is not None:
                return WarmState("waiting", later)
            self._last[owner] = time.monotonic()
            return await start()
        finally:
            self._begun.discard(owner)

    def _why_not(self, principal: Principal, shape: Shape) -> str | None:
        owners = [*(warm.session.owner.project_user for warm in self.pool), *self._begun]
        if sum(split_project_user(owner)[1] == principal.user for owner in owners) > self.pool.most_of_one:
            return f"{self.pool.most_of_one} sessions are kept ready for you already (HOPS_WARM_PER_PERSON)."
        if len(self.waiting):
            return "Others wait for resources."
        if len(self.pool) + len(self._begun) > self.pool.most:
            return f"{self.pool.most} sessions are kept ready at most (HOPS_WARM_SESSIONS)."
        if shape.total_gpus:
            return "GPUs are not held for sessions that nobody has asked for yet."
        return self.idleness.why_no_room(shape.total_memory_mib)

    def _why_later(self, owner: str, first: Callable[[], bool]) -> str | None:
        now = time.monotonic()
        self._last = {one: begun for one, begun in self._last.items() if now - begun < _FIRST_AGAIN_S}
        if not self.may_start():
            return "Other sessions are starting; it is started after them."
        if (first() and owner not in self._last) or self._calm():
            return None
        return "The machine has other work; it is started when that is done."

    def _calm(self) -> bool:
        # Both are asked always: how busy the processors were is told since this was last asked.
        idle = self.idleness.idle()
        return idle and not self.works()
