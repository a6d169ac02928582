"""Sessions that are started ahead: how they begin, and how they are handed to their owners.

Laws:

1. Nobody but its owner is given one (:mod:`hops_livy.pool`), and it is handed over once.
2. Until then it counts against no quota and holds no GPUs; when it is handed over, place and limits are asked for it
   as for one that is started then.

When one is started :mod:`hops_livy.kept_ready` decides.
"""

from __future__ import annotations

import logging
import time
from functools import partial

from hops_contract.principal import Principal
from hops_livy.admission import Admission, Granted
from hops_livy.background import Background
from hops_livy.ended_owners import EndedOwners
from hops_livy.engines.amounts import NOTHING, Amount
from hops_livy.engines.drivers import SessionBackend, StartError
from hops_livy.errors import NotAuthenticatedError
from hops_livy.happenings import Happenings
from hops_livy.kept_ready import KeptReady, WarmState
from hops_livy.launching import Launcher
from hops_livy.new_sessions import NewSessions
from hops_livy.pool import Warm, WarmPool
from hops_livy.project_limits import idle_time, together
from hops_livy.recovery import heading
from hops_livy.session_list import SessionList
from hops_livy.sessions import Session
from hops_livy.timeouts import Timeouts
from hops_livy.token_renewal import TokenRenewal
from hops_livy.waiting_room import WaitingRoom
from hops_livy.wire import SessionRequest

LOG = logging.getLogger(__name__)


class WarmSessions:
    """Begins them and hands them over.

    Args:
        pool: Those that there are.
        kept_ready: Decides when one is started.
        backend: Tells what they take.
        admission: Tells what may be asked for.
        launcher: Starts their drivers.
        new: Makes them.
        sessions: Where they are from when they are handed over.
        waiting: Those that wait for resources, who are not passed.
        happenings: Told when one is handed over.
        ended_owners: Those for whom none is started any more.
        renewal: Keeps their tokens fresh.
        background: What goes on meanwhile.
    """

    def __init__(
        self,
        pool: WarmPool,
        kept_ready: KeptReady,
        *,
        backend: SessionBackend,
        admission: Admission,
        launcher: Launcher,
        new: NewSessions,
        sessions: SessionList,
        waiting: WaitingRoom,
        happenings: Happenings,
        ended_owners: EndedOwners,
        renewal: TokenRenewal,
        background: Background,
    ) -> None:
        self._pool = pool
        self._kept_ready = kept_ready
        self._backend = backend
        self._admission = admission
        self._launcher = launcher
        self._new = new
        self._sessions = sessions
        self._waiting = waiting
        self._happenings = happenings
        self._ended_owners = ended_owners
        self._renewal = renewal
        self._background = background

    async def warm(self, principal: Principal, token: str, request: SessionRequest) -> WarmState:
        """Keeps a session ready that is like the one that ``request`` would ask for.

        The first is begun at once, later ones when the machine has little to do. Who asks again within a few minutes
        keeps it.

        Raises:
            ServiceError: Such a session could not be had either; the sentence says why.
        """
        granted = await self._admission.granted(principal, token, request)
        return await self._kept_ready.keep(
            principal,
            granted.shape,
            granted.known_by,
            first=lambda: not self._sessions.owned(principal.project_user, batch=None),
            start=partial(self._start, principal, token, granted),
        )

    def keep(self, warm: Warm) -> None:
        """Puts one into the pool; the one whose place it takes ends."""
        displaced = self._pool.put(warm)
        if displaced is not None:
            self._background.begin(self._pool.end(displaced))

    def amount(self) -> Amount:
        """What those take that nobody has been told of."""
        return sum((self._backend.needs(warm.session.shape) for warm in self._pool), NOTHING)

    def take(
        self,
        owner: Principal,
        token: str,
        granted: Granted,
        *,
        name: str | None,
        kind: str,
        timeouts: Timeouts,
        source: str,
    ) -> Session | None:
        """Hands the one over that fits, if there is one and there is place for it: from now on it counts.

        Args:
            owner: Who asks.
            token: Their token.
            granted: What they may have.
            name: As they call it.
            kind: Of the session's statements.
            timeouts: When it ends if it does nothing.
            source: The network address that they ask from.
        """
        if not self._waiting.has_place(str(owner.project), granted.shape.asked, together(granted.bounds)):
            return None
        session = self._pool.take(owner.project_user, granted.shape, granted.known_by)
        if session is None:
            return None
        session.kind, session.name, session.timeouts = kind, name, timeouts
        session.begun_from = source
        self._hand_over(session, token)
        return session

    def _hand_over(self, session: Session, token: str) -> None:
        """From now on it is like one that was started now."""
        session.created, session.last_active = time.time(), time.monotonic()
        session.hear()
        application = str(session.record.head[0]["application"])
        session.record.begin_anew(heading(session, application, warm=None))
        self._sessions.add(session)
        self._happenings.begun(session)
        try:
            session.renew_token(token)
        except OSError as error:
            # It has one, which is renewed in its time.
            LOG.warning("session %d keeps its token: %s", session.id, error.strerror)
        self._sessions.news.tell()
        LOG.info("session %d of %s was ready", session.id, session.owner.project_user)

    async def _start(self, principal: Principal, token: str, granted: Granted) -> WarmState:
        session = self._new.make(principal, granted.shape, Timeouts(idle_s=idle_time(0.0, granted.bounds)))
        try:
            known = await self._launcher.launch_warm(session, token, granted.conf)
        except StartError as error:
            session.journal.remove()
            return WarmState("none", str(error))
        if not session.final:
            self.keep(Warm(session, known))
        self._background.begin(self._renewal.keep_fresh(session, token))
        try:
            self._ended_owners.check_welcome(principal, token)
        except NotAuthenticatedError:
            await self._pool.end(Warm(session, granted.conf))
            raise
        return WarmState("starting")
