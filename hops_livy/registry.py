"""The sessions and batches of one service: what the routes ask for, handed to those who know how it is done.

What may begin :mod:`hops_livy.admission` says, what waits stands in :mod:`hops_livy.waiting_room`, drivers are started
in :mod:`hops_livy.launching` and ahead of their time in :mod:`hops_livy.warm_sessions`; :mod:`hops_livy.found_again`
takes up what an earlier service left, and :mod:`hops_livy.expiry` ends what is over.
"""

from __future__ import annotations

import asyncio

from hops_contract.happenings import SessionHappenings
from hops_contract.layout import Home
from hops_contract.principal import Principal
from hops_livy.admission import Admission
from hops_livy.background import Background
from hops_livy.ended_owners import EndedOwners
from hops_livy.engines.amounts import Amount
from hops_livy.engines.drivers import BatchFile, SessionBackend
from hops_livy.errors import NotAuthenticatedError, ServiceError
from hops_livy.expiry import Expiry
from hops_livy.found_again import Finder
from hops_livy.gpus import GpuLedger
from hops_livy.happenings import Happenings
from hops_livy.idleness import Idleness
from hops_livy.kept_ready import KeptReady, WarmState
from hops_livy.kinds import check_kind
from hops_livy.launching import Launcher
from hops_livy.livy_fields import batch_of, seconds
from hops_livy.new_sessions import NewSessions
from hops_livy.news import News
from hops_livy.pool import WarmPool
from hops_livy.project_limits import ProjectLimits, idle_time, together
from hops_livy.service_lock import ServiceLock
from hops_livy.session_list import SessionList
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.timeouts import Timeouts
from hops_livy.token_renewal import TokenRenewal
from hops_livy.waiting_room import Waiting, WaitingRoom
from hops_livy.warm_sessions import WarmSessions
from hops_livy.wire import BatchRequest, Resources, SessionRequest


class Registry:
    """Begins and ends the sessions of the service.

    Args:
        backend: What runs them.
        home: The platform's home.
        limits: Bounds.
        gpus: The ledger, to tell a session what it holds.
        project_limits: Tells what sessions of a project may use.
        renewal: Keeps the sessions' tokens fresh.
        pool: Sessions started ahead.
        idleness: Tells when there is room and time for them.

    Attributes:
        news: Told when a session has come, changed its state or gone.
        sessions: Those that there are.
    """

    def __init__(
        self,
        backend: SessionBackend,
        *,
        home: Home,
        limits: Limits,
        gpus: GpuLedger,
        project_limits: ProjectLimits,
        renewal: TokenRenewal,
        pool: WarmPool,
        idleness: Idleness,
    ) -> None:
        self._backend = backend
        self._run = home.run / "sessions"
        self._project_limits = project_limits
        self._renewal = renewal
        self._pool = pool
        self._home = home
        self._background = background = Background()
        self._lock = ServiceLock(home.service_lock, alive=home.service_alive)
        self._happenings = Happenings(home.session_happenings)
        self._ended_owners = EndedOwners(self._run / "ended-owners.json")
        self.news = News()
        self.sessions = SessionList(limits, self.news)
        self._new = NewSessions(home, limits, self.news)
        launcher = Launcher(
            backend,
            gpus=gpus,
            project_limits=project_limits,
            news=self.news,
            background=background,
            moved=self._room_changed,
        )
        self._waiting = WaitingRoom(
            backend,
            pool,
            limits,
            sessions=self.sessions.all,
            launch=launcher.launch_waiting,
            end_warm=pool.end,
        )
        self._admission = Admission(
            backend, limits, project_limits, sessions=self.sessions, pool=pool, waiting=self._waiting
        )
        kept_ready = KeptReady(
            pool=pool,
            idleness=idleness,
            waiting=self._waiting,
            end=pool.end,
            works=self.sessions.works,
            may_start=lambda: backend.room().free.starts > 0,
        )
        self._warm = WarmSessions(
            pool,
            kept_ready,
            backend=backend,
            admission=self._admission,
            launcher=launcher,
            new=self._new,
            sessions=self.sessions,
            waiting=self._waiting,
            happenings=self._happenings,
            ended_owners=self._ended_owners,
            renewal=renewal,
            background=background,
        )
        self._finder = Finder(
            home,
            limits,
            sessions=self.sessions,
            waiting=self._waiting,
            warm=self._warm,
            launcher=launcher,
            happenings=self._happenings,
            renewal=renewal,
            background=background,
        )
        self._expiry = Expiry(self.sessions, pool, self._waiting, background)

    async def open(self) -> None:
        """Finds the sessions of an earlier service again, ends what it left besides, and begins to watch.

        Raises:
            ServiceLockError: Another service of the same home is running.
        """
        self._run.mkdir(parents=True, exist_ok=True)
        self._run.chmod(0o700)
        await self._lock.take()
        self._new.load()
        self._ended_owners.load()
        self._happenings.load()
        await self._finder.find_all()
        # One that waits has no driver yet: what there is of one is left of a start that nobody saw the end of.
        known = {session.id for session in self.sessions if session.driver is not None}
        await self._backend.prepare({*known, *(warm.session.id for warm in self._pool)})
        self._background.begin(self._expiry.watch())

    def send_away(self) -> None:
        """Answers all requests that wait for news with what there is: the service is about to stop."""
        self.news.close()
        for session in self.sessions:
            session.news.close()
            for statement in session.statements.values():
                statement.news.close()

    async def close(self) -> None:
        """Lets go of everything; a later service finds it again."""
        await self._waiting.close()
        self._background.cancel()
        known = [*self.sessions, *(warm.session for warm in self._pool)]
        await asyncio.gather(*(session.detach() for session in known))
        await self._backend.close()
        self._lock.give_back()

    async def create(self, principal: Principal, token: str, request: SessionRequest, *, source: str = "") -> Session:
        """Begins to start a session, asked for from the network address ``source``.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        check_kind(request.kind)
        timeouts = Timeouts(idle_s=seconds(request.ttl), heartbeat_s=float(request.heartbeat_s or 0))
        session = await self._start(
            principal, token, request, kind=request.kind, timeouts=timeouts, batch=None, source=source
        )
        if request.kernel or request.notebook:
            session.take_up(request.kernel, request.notebook)
        return session

    async def check(
        self, principal: Principal, token: str, request: SessionRequest, *, instead_of: int | None = None
    ) -> None:
        """Checks that :meth:`create` could start such a session, after the end of the session ``instead_of``.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        check_kind(request.kind)
        replaced = None if instead_of is None else self.sessions.find(principal, instead_of)
        await self._admission.check(principal, token, request, instead_of=replaced)

    async def create_batch(
        self, principal: Principal, token: str, request: BatchRequest, *, source: str = ""
    ) -> Session:
        """Begins to run a batch, asked for from the network address ``source``.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        batch = batch_of(request, self._home.project(str(principal.project)))
        return await self._start(
            principal, token, request, kind="batch", timeouts=Timeouts(), batch=batch, source=source
        )

    async def warm(self, principal: Principal, token: str, request: SessionRequest) -> WarmState:
        """Keeps a session ready that is like the one that ``request`` would ask for.

        Raises:
            ServiceError: Such a session could not be had either; the sentence says why.
        """
        return await self._warm.warm(principal, token, request)

    def check_welcome(self, principal: Principal, token: str) -> None:
        """Checks that the caller's work was not ended after ``token`` was signed.

        Raises:
            NotAuthenticatedError: It was.
        """
        self._ended_owners.check_welcome(principal, token)

    def forget_limits(self, project: str) -> None:
        """What a project may use was changed: the next request asks anew."""
        self._project_limits.forget(project)

    def happened(self, stream: str, after: int, *, limit: int) -> SessionHappenings:
        """What became of sessions since ``after`` of ``stream``; see :mod:`happenings`."""
        found = self._happenings.after(stream, after, limit=limit)
        return SessionHappenings(stream=self._happenings.stream, items=found)

    def use_of(self, project: str) -> Amount:
        """What the sessions of a project were given together, as its limits count it."""
        return self._waiting.use_of(project)

    def kept_ready(self) -> Amount:
        """What the sessions take that are kept ready and stand in no list."""
        return self._warm.amount()

    async def delete(self, session: Session, *, source: str = "") -> None:
        """Ends a session, as its owner asked from the network address ``source``, and forgets it."""
        await session.end("It was deleted by its owner.", by=session.owner, source=source)
        self.sessions.forget(session)

    async def end_owner(self, project_user: str, reason: str) -> int:
        """Ends all sessions and batches of one project-user; returns how many there were."""
        self._ended_owners.note(project_user)
        return await self.end_work(project_user, reason, at_once=True)

    async def end_work(self, project_user: str, reason: str, *, at_once: bool = False) -> int:
        """Ends all sessions and batches of one project-user, who may begin others; returns how many there were."""
        warm = self._pool.of(project_user)
        sessions = [session for session in self.sessions.owned(project_user, batch=None) if not session.final]
        await asyncio.gather(
            *([] if warm is None else [self._pool.end(warm, at_once=at_once)]),
            *(session.end(reason, at_once=at_once) for session in sessions),
        )
        return len(sessions)

    async def end_all(self, reason: str) -> int:
        """Ends all sessions and batches and forgets them; returns how many were running."""
        self._waiting.stop()
        running = [session for session in self.sessions if not session.final]
        await asyncio.gather(*(session.end(reason) for session in running), *map(self._pool.end, self._pool))
        for session in self.sessions:
            self.sessions.forget(session)
        return len(running)

    async def _start(
        self,
        principal: Principal,
        token: str,
        request: Resources,
        *,
        kind: str,
        timeouts: Timeouts,
        batch: BatchFile | None,
        source: str,
    ) -> Session:
        granted = await self._admission.granted(principal, token, request, batch=batch is not None)
        timeouts = Timeouts(idle_s=idle_time(timeouts.idle_s, granted.bounds), heartbeat_s=timeouts.heartbeat_s)
        may_wait = self._admission.may_wait(request)
        self.sessions.check_name(principal, request.name, batch=batch is not None)
        self.sessions.check_room(principal)  # after all waiting, so that many at the same moment are counted one by one
        if batch is None:
            warm = self._warm.take(
                principal, token, granted, name=request.name, kind=kind, timeouts=timeouts, source=source
            )
            if warm is not None:
                return warm
        session = self._new.make(principal, granted.shape, timeouts, kind=kind, name=request.name)
        session.begun_from = source
        # Counted from here on: many requests at the same moment must not all find the same room.
        self.sessions.add(session)
        limit = together(granted.bounds)
        await self._admit(
            Waiting(session=session, token=token, conf=granted.conf, batch=batch, may_wait=may_wait, limit=limit)
        )
        self._happenings.begun(session)
        self._background.begin(self._renewal.keep_fresh(session, token))
        try:
            self.check_welcome(principal, token)
        except NotAuthenticatedError as error:
            await session.end(error.detail)
            raise
        return session

    def _room_changed(self) -> None:
        self._waiting.move()

    async def _admit(self, entry: Waiting) -> None:
        session = entry.session
        try:
            await self._admission.admit(entry)
        except asyncio.CancelledError:
            # Its start may have begun, and goes on.
            self._happenings.begun(session)
            self._background.begin(self.delete(session, source=session.begun_from))
            raise
        except Exception as error:
            self._waiting.forget(session)
            self.sessions.forget(session)
            self._happenings.refused(session, str(error) if isinstance(error, ServiceError) else "It failed.")
            raise
