"""Whether a session can be had: what is asked for beside the rules, the project's limits and the room that there is.

Laws:

1. What can never be is refused at once, and so is what is not to wait where there is no room now.
2. Nobody is refused for room that is given back in a moment: by what has just ended, or by what is only kept ready.
3. A check says what a start would find.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from hops_contract.options import SessionBounds
from hops_contract.principal import Principal
from hops_livy.conf import checked_conf, shape_of, waits_for_room
from hops_livy.engines.amounts import Amount
from hops_livy.engines.drivers import NoRoomError, SessionBackend, Shape, StartError
from hops_livy.errors import CanNotStartError
from hops_livy.livy_fields import check_fields
from hops_livy.pool import WarmPool, known_by
from hops_livy.project_limits import ProjectLimits, check_limits
from hops_livy.recovery import application_of, heading
from hops_livy.session_list import SessionList
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.waiting_room import Waiting, WaitingRoom
from hops_livy.wire import Resources

_GOING_S = 20.0


@dataclass(frozen=True, slots=True)
class Granted:
    """What a request may have.

    Attributes:
        shape: The resources.
        conf: Spark's settings.
        bounds: The project's limits, which they keep.
    """

    shape: Shape
    conf: dict[str, str]
    bounds: SessionBounds

    @property
    def known_by(self) -> dict[str, str]:
        """What a session that is kept ready must have been started with to be this one."""
        return known_by(self.conf, self.bounds.network, full=self.bounds.full)


class Admission:
    """Compares what is asked for with what there may be.

    Args:
        backend: Tells what there is, and what a session takes of it.
        limits: Bounds of the service.
        project_limits: Tells what sessions of a project may use.
        sessions: Those that there are.
        pool: Those that are kept ready.
        waiting: Those that wait.
    """

    def __init__(
        self,
        backend: SessionBackend,
        limits: Limits,
        project_limits: ProjectLimits,
        *,
        sessions: SessionList,
        pool: WarmPool,
        waiting: WaitingRoom,
    ) -> None:
        self._backend = backend
        self._limits = limits
        self._project_limits = project_limits
        self._sessions = sessions
        self._pool = pool
        self._waiting = waiting

    async def granted(self, principal: Principal, token: str, request: Resources, *, batch: bool = False) -> Granted:
        """What ``request`` asks for, which keeps the rules and the project's limits.

        Raises:
            ServiceError: It does not; the sentence says why.
        """
        check_fields(request, principal, batch=batch)
        conf = {key: _text(value) for key, value in request.conf.items()}
        shape = shape_of(request, conf)
        passed = checked_conf(conf)
        bounds = await self._project_limits.of(principal, token)
        check_limits(shape, bounds)
        return Granted(shape, passed, bounds)

    def may_wait(self, request: Resources) -> bool:
        """Whether it waits where there is no room now."""
        return waits_for_room(request) and self._limits.queue > 0

    async def check(self, principal: Principal, token: str, request: Resources, *, instead_of: Session | None) -> None:
        """Checks that such a session could be started, after the end of ``instead_of``.

        At once, if one ends for it or if it is not to wait; else it is enough that it can be had one day.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        await self._until_gone()
        shape = (await self.granted(principal, token, request)).shape
        may_wait = self.may_wait(request)
        self._sessions.check_room(principal, instead_of=instead_of)
        try:
            await self._backend.check(shape, owner=principal, instead_of=None if instead_of is None else instead_of.id)
        except NoRoomError as error:
            if instead_of is None and may_wait:
                return
            if not self._could_have(shape, instead_of=instead_of):
                remedy = None if instead_of is None else "Stop the session first, and the next one waits in the queue."
                raise CanNotStartError(str(error), remedy=remedy) from error
        except StartError as error:
            raise CanNotStartError(str(error)) from error

    async def admit(self, entry: Waiting) -> None:
        """Starts a session, or has it wait for its turn; returns when either has happened.

        Raises:
            CanNotStartError: It can't be had.
            TooManyError: So many of its owner's sessions wait that it may not.
        """
        session = entry.session
        if not entry.may_wait:
            await self._until_gone()
        try:
            await self._backend.check(session.shape, owner=session.owner)
        except NoRoomError as error:
            if not entry.may_wait and not self._could_have(session.shape):
                raise CanNotStartError(str(error)) from error
        except StartError as error:
            raise CanNotStartError(str(error)) from error
        session.journal.keep_token(entry.token)
        session.record.begin(heading(session, application_of(session), warm=None))
        try:
            await self._waiting.admit(entry)
        except StartError as error:
            raise CanNotStartError(str(error)) from error

    async def _until_gone(self) -> None:
        """What died gives back what it had in a moment."""
        left = [
            session.driver.ended
            for session in self._sessions
            if session.driver is not None and session.final and not session.gone
        ]
        if left:
            await asyncio.wait(left, timeout=_GOING_S)

    def _could_have(self, shape: Shape, *, instead_of: Session | None = None) -> bool:
        """Whether there would be room if sessions that are kept ready ended, and ``instead_of`` as well."""
        needs, free = replace(self._backend.needs(shape), starts=0), self._backend.room().free
        if instead_of is not None and not instead_of.final:
            free += self._backend.needs(instead_of.shape)
        spare = Amount(memory_mib=sum(warm.session.shape.total_memory_mib for warm in self._pool))
        return not (free + spare).lacks(needs)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
