"""How sessions and batches begin, are found again after a restart of the service, and end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hops_contract.layout import Home
from hops_contract.network import Network
from hops_contract.options import SessionBounds
from hops_contract.principal import Principal
from hops_livy.conf import checked_conf, shape_of, waits_for_room
from hops_livy.ended_owners import EndedOwners
from hops_livy.engines.amounts import NOTHING, Amount
from hops_livy.engines.drivers import BatchFile, Driver, DriverRequest, NoRoomError, SessionBackend, Shape, StartError
from hops_livy.errors import (
    CanNotStartError,
    NotAuthenticatedError,
    ServiceError,
)
from hops_livy.gpus import GpuLedger
from hops_livy.happenings import Happening, Happenings
from hops_livy.idleness import Idleness
from hops_livy.journal import Journal, journals
from hops_livy.kept_ready import KeptReady, WarmState
from hops_livy.livy_fields import batch_of, check_fields, check_kind, seconds
from hops_livy.masters.view import no_room_now
from hops_livy.news import News
from hops_livy.pool import Warm, WarmPool
from hops_livy.project_limits import ProjectLimits, check_limits, idle_time, together
from hops_livy.recovery import Recovered, WasWaiting, heading
from hops_livy.service_lock import ServiceLock
from hops_livy.session_list import SessionList
from hops_livy.session_numbers import SessionNumbers
from hops_livy.sessions import KINDS, Session, SessionState, Timeouts
from hops_livy.settings import Limits
from hops_livy.token_renewal import TokenRenewal
from hops_livy.waiting_room import Waiting, WaitingRoom
from hops_livy.wire import BatchRequest, Resources, SessionRequest

LOG = logging.getLogger(__name__)
_CULL_S = 5.0
_GOING_S = 20.0


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
        self._home = home
        self._limits = limits
        self._gpus = gpus
        self._project_limits = project_limits
        self._renewal = renewal
        self._pool = pool
        self.news = News()
        self.sessions = SessionList(limits, self.news)
        self._waiting = WaitingRoom(
            backend,
            pool,
            limits,
            sessions=self.sessions.all,
            launch=self._launch_waiting,
            end_warm=self._end_warm,
        )
        self._kept_ready = KeptReady(
            pool=pool,
            idleness=idleness,
            waiting=self._waiting,
            end=self._end_warm,
            works=self._works,
            may_start=lambda: self._backend.room().free.starts > 0,
        )
        self._ended_owners = EndedOwners(home.run / "sessions" / "ended-owners.json")
        self._lock = ServiceLock(home.service_lock, alive=home.service_alive)
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = SessionNumbers(home.run / "sessions", home.session_records)
        self._happenings = Happenings(home.session_happenings)

    async def open(self) -> None:
        """Finds the sessions of an earlier service again, ends what it left besides, and begins to watch.

        Raises:
            ServiceLockError: Another service of the same home is running.
        """
        folder = self._home.run / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        await self._lock.take()
        self._numbers.load()
        self._ended_owners.load()
        self._happenings.load()
        await self._recover()
        # One that waits has no driver yet: what there is of one is left of a start that nobody saw the end of.
        known = {session.id for session in self.sessions if session.driver is not None}
        await self._backend.prepare({*known, *(warm.session.id for warm in self._pool)})
        self._spawn(self._watch())

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
        for task in self._tasks:
            task.cancel()
        known = [*self.sessions, *(warm.session for warm in self._pool)]
        await asyncio.gather(*(session.detach() for session in known))
        await self._backend.close()
        self._lock.give_back()

    async def end_all(self, reason: str) -> int:
        """Ends all sessions and batches and forgets them; returns how many were running."""
        self._waiting.stop()
        running = [session for session in self.sessions if not session.final]
        await asyncio.gather(*(session.end(reason) for session in running), *map(self._end_warm, self._pool))
        for session in self.sessions:
            self.sessions.forget(session)
        return len(running)

    async def _recover(self) -> None:
        found = []
        for journal in journals(self._home.session_records):
            try:
                found.append(Recovered(journal, self._limits, News(self.news)))
            except Exception as error:  # noqa: BLE001 - one record must not cost the others
                LOG.warning("a session can't be found again: %s", error)
                journal.remove()
        # In the order of their numbers, whichever is found first.
        for one in found:
            if one.warm is None:
                self.sessions.add(one.session)
                one.session.on_end = self._happenings.ended
                if not one.session.final:
                    self._happenings.found_again(one.session)
        for one in found:
            if one.waiting is not None and not one.session.final:
                self._wait_again(one.session, one.waiting)
        again = [one for one in found if not one.session.final and one.waiting is None]
        failures = await asyncio.gather(*(self._find_again(one) for one in again), return_exceptions=True)
        for one, failure in zip(again, failures, strict=True):
            if isinstance(failure, BaseException):
                # The others must not be lost with it. What is left of it ends like that of any unknown session.
                LOG.error("session %d can't be found again", one.session.id, exc_info=failure)
                one.session.change(SessionState.DEAD, "The session service could not find it again.")
                self.sessions.forget(one.session)
                one.session.journal.remove()

    def _wait_again(self, session: Session, waiting: WasWaiting) -> None:
        token = session.journal.token()
        self._waiting.find_again(
            Waiting(
                session=session,
                token=token or "",
                conf=waiting.conf,
                batch=waiting.batch,
                limit=waiting.limit,
                overtaken=waiting.overtaken,
            )
        )
        if token is None:
            self._spawn(session.end("Its token was lost while the session service was away."))
        else:
            self._spawn(self._renewal.keep_fresh(session, token))

    async def _find_again(self, found: Recovered) -> None:
        session, token = found.session, found.session.journal.token()
        request = DriverRequest(
            session_id=session.id,
            application=found.application,
            owner=session.owner,
            token=token or "",
            name=_name(session, {}),
            shape=session.shape,
            kept_outputs=session.journal.outputs,
            # What it runs was told to the driver itself.
            batch=BatchFile(file=Path()) if session.is_batch else None,
            # Whether it had all that it asked for is not known any more, so it may wait.
            tell=partial(self._explain, session, may_wait=True),
            dies=session.die,
        )
        driver = await self._backend.recover(request, found.driver)
        session.gpus = self._gpus.held_by(session.id)
        self._follow(session, driver)
        if found.warm is not None:
            self._keep(Warm(session, found.warm))
        LOG.info("session %d of %s was found again", session.id, session.owner.project_user)
        if token is None or found.ending is not None:
            why = found.ending or "Its token was lost while the session service was away."
            self._spawn(session.end(why, by=session.ended_by))
        else:
            self._spawn(self._renewal.keep_fresh(session, token))
        # What it does is known before the first request is answered.
        await asyncio.sleep(0)

    async def create(self, principal: Principal, token: str, request: SessionRequest) -> Session:
        """Begins to start a session.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        check_kind(request.kind)
        timeouts = Timeouts(idle_s=seconds(request.ttl), heartbeat_s=float(request.heartbeat_s or 0))
        session = await self._start(principal, token, request, kind=request.kind, timeouts=timeouts, batch=None)
        if request.kernel or request.notebook:
            session.take_up(request.kernel, request.notebook)
        return session

    async def check(
        self, principal: Principal, token: str, request: SessionRequest, *, instead_of: int | None = None
    ) -> None:
        """Checks that :meth:`create` could start such a session, after the end of the session ``instead_of``.

        At once, if one ends for it or if it is not to wait; else it is enough that it can be had one day.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        check_kind(request.kind)
        replaced = None if instead_of is None else self.sessions.find(principal, instead_of)
        await self._until_gone()
        shape, _conf, _limits = await self._granted(principal, token, request, batch=None)
        self._may_wait(request)
        self.sessions.check_room(principal, instead_of=replaced)
        try:
            await self._backend.check(shape, owner=principal, instead_of=instead_of)
        except NoRoomError as error:
            if replaced is None and self._may_wait(request):
                return
            if not self._could_have(shape, instead_of=replaced):
                remedy = None if replaced is None else "Stop the session first, and the next one waits in the queue."
                raise CanNotStartError(str(error), remedy=remedy) from error
        except StartError as error:
            raise CanNotStartError(str(error)) from error

    async def create_batch(self, principal: Principal, token: str, request: BatchRequest) -> Session:
        """Begins to run a batch.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        batch = batch_of(request, self._home.project(str(principal.project)))
        return await self._start(principal, token, request, kind="batch", timeouts=Timeouts(), batch=batch)

    def check_welcome(self, principal: Principal, token: str) -> None:
        """Checks that the caller's work was not ended after ``token`` was signed.

        Raises:
            NotAuthenticatedError: It was.
        """
        if self._ended_owners.refuses(principal.project_user, token):
            raise NotAuthenticatedError(
                f"You are no longer a member of project {principal.project}, or were not when this token was signed.",
                remedy="Start the notebook server again; if that is refused, ask a Data Owner of the project.",
            )

    def forget_limits(self, project: str) -> None:
        """What a project may use was changed: the next request asks anew."""
        self._project_limits.forget(project)

    def happened(self, stream: str, after: int, *, limit: int) -> tuple[str, list[Happening]]:
        """What became of sessions since ``after`` of ``stream``, and which stream that is; see :mod:`happenings`."""
        found = self._happenings.after(stream, after, limit=limit)
        return self._happenings.stream, found

    def use_of(self, project: str) -> Amount:
        """What the sessions of a project were given together, as its limits count it."""
        return self._waiting.use_of(project)

    def kept_ready(self) -> Amount:
        """What the sessions take that are kept ready and stand in no list."""
        return sum((self._backend.needs(warm.session.shape) for warm in self._pool), NOTHING)

    async def delete(self, session: Session) -> None:
        """Ends a session and forgets it."""
        await session.end("It was deleted by its owner.", by=session.owner)
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
            *([] if warm is None else [self._end_warm(warm, at_once=at_once)]),
            *(session.end(reason, at_once=at_once) for session in sessions),
        )
        return len(sessions)

    async def warm(self, principal: Principal, token: str, request: SessionRequest) -> WarmState:
        """Keeps a session ready that is like the one that ``request`` would ask for.

        It counts against no quota and holds no GPUs. The first is begun at once, later ones when the machine has little
        to do. Who asks again within a few minutes keeps it.

        Raises:
            ServiceError: Such a session could not be had either; the sentence says why.
        """
        shape, conf, limits = await self._granted(principal, token, request, batch=None)
        timeouts = Timeouts(idle_s=idle_time(0.0, limits))
        return await self._kept_ready.keep(
            principal,
            shape,
            known_by(conf, limits.network, full=limits.full),
            first=lambda: not self.sessions.owned(principal.project_user, batch=None),
            start=lambda: self._start_warm(principal, token, shape, conf, timeouts),
        )

    async def _start_warm(
        self, principal: Principal, token: str, shape: Shape, conf: dict[str, str], timeouts: Timeouts
    ) -> WarmState:
        session = self._new_session(principal, shape, timeouts)
        try:
            await self._launch(session, token, conf, None, warm=True)
        except StartError as error:
            session.journal.remove()
            return WarmState("none", str(error))
        self._spawn(self._renewal.keep_fresh(session, token))
        try:
            self.check_welcome(principal, token)
        except NotAuthenticatedError:
            await self._end_warm(Warm(session, conf))
            raise
        return WarmState("starting")

    def _works(self) -> bool:
        return any(session.state in (SessionState.STARTING, SessionState.BUSY) for session in self.sessions)

    def _keep(self, warm: Warm) -> None:
        displaced = self._pool.put(warm)
        if displaced is not None:
            self._spawn(self._end_warm(displaced))

    async def _end_warm(self, warm: Warm, *, at_once: bool = False) -> None:
        self._pool.remove(warm.session)
        await warm.session.end("It was kept ready and not asked for.", at_once=at_once)
        warm.session.journal.remove()

    def _hand_over(self, session: Session, token: str, request: Resources, kind: str, timeouts: Timeouts) -> Session:
        """Gives a warm session to its owner: from now on it is like one that was started now."""
        session.kind, session.name, session.timeouts = kind, request.name, timeouts
        session.created, session.last_active = time.time(), time.monotonic()
        session.hear()
        application = str(session.head[0]["application"])
        session.head[0] = heading(session, application, warm=None)
        session.journal.rewrite([*session.head, *session.history.entries()])
        self.sessions.add(session)
        self._begun(session)
        try:
            session.renew_token(token)
        except OSError as error:
            # It has one, which is renewed in its time.
            LOG.warning("session %d keeps its token: %s", session.id, error.strerror)
        self.news.tell()
        LOG.info("session %d of %s was ready", session.id, session.owner.project_user)
        return session

    async def _start(
        self,
        principal: Principal,
        token: str,
        request: Resources,
        *,
        kind: str,
        timeouts: Timeouts,
        batch: BatchFile | None,
    ) -> Session:
        shape, conf, limits = await self._granted(principal, token, request, batch=batch)
        timeouts = Timeouts(idle_s=idle_time(timeouts.idle_s, limits), heartbeat_s=timeouts.heartbeat_s)
        may_wait = self._may_wait(request)
        self.sessions.check_name(principal, request.name, batch=batch is not None)
        self.sessions.check_room(principal)  # after all waiting, so that many at the same moment are counted one by one
        # What is kept ready counts for nobody; from now on it does, so that place and limits are asked for it too.
        if batch is None and self._waiting.has_place(str(principal.project), shape.asked, together(limits)):
            warm = self._pool.take(principal.project_user, shape, known_by(conf, limits.network, full=limits.full))
            if warm is not None:
                return self._hand_over(warm, token, request, kind, timeouts)
        session = self._new_session(principal, shape, timeouts, kind=kind, name=request.name)
        # Counted from here on: many requests at the same moment must not all find the same room.
        self.sessions.add(session)
        try:
            await self._admit(session, token, conf, batch, limit=together(limits), may_wait=may_wait)
        except asyncio.CancelledError:
            # Its start may have begun, and goes on.
            self._begun(session)
            self._spawn(self.delete(session))
            raise
        except Exception as error:
            self._waiting.forget(session)
            self.sessions.forget(session)
            self._happenings.refused(session, str(error) if isinstance(error, ServiceError) else "It failed.")
            raise
        self._begun(session)
        self._spawn(self._renewal.keep_fresh(session, token))
        try:
            self.check_welcome(principal, token)
        except NotAuthenticatedError as error:
            await session.end(error.detail)
            raise
        return session

    async def _admit(
        self,
        session: Session,
        token: str,
        conf: dict[str, str],
        batch: BatchFile | None,
        *,
        limit: Amount,
        may_wait: bool,
    ) -> None:
        owner = session.owner
        if not may_wait:
            await self._until_gone()
        try:
            # What there can never be is refused at once, and so is what may not wait.
            await self._backend.check(session.shape, owner=owner)
        except NoRoomError as error:
            if not may_wait and not self._could_have(session.shape):
                raise CanNotStartError(str(error)) from error
        except StartError as error:
            raise CanNotStartError(str(error)) from error
        session.journal.keep_token(token)
        session.head = [heading(session, _application(session), warm=None)]
        session.journal.write(session.head[0])
        entry = Waiting(session=session, token=token, conf=conf, batch=batch, may_wait=may_wait, limit=limit)
        try:
            await self._waiting.admit(entry)
        except StartError as error:
            raise CanNotStartError(str(error)) from error

    def _begun(self, session: Session) -> None:
        self._happenings.begun(session)
        if session.final:
            self._happenings.ended(session)
        else:
            session.on_end = self._happenings.ended

    async def _until_gone(self) -> None:
        """What died gives back what it had in a moment; nobody is refused for that."""
        left = [
            session.driver.ended
            for session in self.sessions
            if session.driver is not None and session.final and not session.gone
        ]
        if left:
            await asyncio.wait(left, timeout=_GOING_S)

    async def _launch_waiting(self, entry: Waiting) -> None:
        session = entry.session
        token = session.journal.token() or entry.token
        await self._launch(session, token, entry.conf, entry.batch, may_wait=entry.may_wait)

    async def _granted(
        self, principal: Principal, token: str, request: Resources, *, batch: BatchFile | None
    ) -> tuple[Shape, dict[str, str], SessionBounds]:
        """Shape and settings that ``request`` asks for, and the project's limits, which they keep."""
        check_fields(request, principal, batch=batch is not None)
        conf = {key: _text(value) for key, value in request.conf.items()}
        shape = shape_of(request, conf)
        passed = checked_conf(conf)
        limits = await self._project_limits.of(principal, token)
        check_limits(shape, limits)
        return shape, passed, limits

    def _new_session(
        self, principal: Principal, shape: Shape, timeouts: Timeouts, *, kind: str = KINDS[0], name: str | None = None
    ) -> Session:
        number = self._numbers.give()
        return Session(
            id=number,
            owner=principal,
            kind=kind,
            name=name,
            shape=shape,
            limits=self._limits,
            journal=Journal(self._home.session_records / str(number)),
            timeouts=timeouts,
            news=News(self.news),
        )

    async def _launch(
        self,
        session: Session,
        token: str,
        conf: dict[str, str],
        batch: BatchFile | None,
        *,
        warm: bool = False,
        may_wait: bool = True,
    ) -> None:
        """Starts the driver of a session.

        Args:
            session: The session, new.
            token: Its owner's token.
            conf: Settings for Spark.
            batch: What to run, for a batch.
            warm: Whether it is kept ready.
            may_wait: Whether it waits where a cluster has no room for its executors; else it ends then.

        Raises:
            StartError: It can't be started.
        """
        bounds = await self._bounds_of(session.owner, token)
        known = known_by(conf, bounds.network, full=bounds.full)
        request = DriverRequest(
            session_id=session.id,
            application=_application(session),
            owner=session.owner,
            token=token,
            name=_name(session, conf),
            shape=session.shape,
            conf=conf,
            kept_outputs=session.journal.outputs,
            network=bounds.network,
            full=bounds.full,
            warm=warm,
            batch=batch,
            tell=partial(self._explain, session, may_wait=may_wait),
            dies=session.die,
        )
        if warm:
            session.journal.keep_token(token)
            session.head = [heading(session, request.application, warm=known)]
            session.journal.write(session.head[0])
        driver = await self._backend.start(request)
        if session.final:
            # It was ended in the moment in which it was started.
            await driver.end(session.reason)
            return
        session.head[:] = [*session.head_without("waiting"), {"is": "driver", "state": driver.state}]
        session.journal.write(session.head[-1])
        session.gpus = self._gpus.held_by(session.id)
        self._follow(session, driver)
        self.news.tell()
        if warm:
            self._keep(Warm(session, known))
        LOG.info("session %d of %s starts: %s", session.id, session.owner.project_user, _described(session.shape))

    async def _bounds_of(self, principal: Principal, token: str) -> SessionBounds:
        """What holds at this moment: a session can have waited long for its start."""
        try:
            return await self._project_limits.of(principal, token)
        except ServiceError as error:
            raise StartError(error.detail) from error

    def _explain(self, session: Session, reason: str, *, no_room: bool = False, may_wait: bool) -> None:
        session.explain(reason)
        if no_room and not may_wait and session.state is not SessionState.SHUTTING_DOWN and not session.final:
            LOG.info("session %d does not wait for the cluster", session.id)
            self._spawn(session.end(no_room_now(reason), SessionState.DEAD))

    def _follow(self, session: Session, driver: Driver) -> None:
        session.follow(driver)
        # The queue moves when it shows what a driver really uses, and when that is free again.
        driver.ready.add_done_callback(lambda _: self._waiting.move())
        driver.ended.add_done_callback(lambda _: self._waiting.move())

    def _may_wait(self, request: Resources) -> bool:
        return waits_for_room(request) and self._limits.queue > 0

    def _could_have(self, shape: Shape, *, instead_of: Session | None = None) -> bool:
        """Whether there would be room if sessions that are kept ready ended, and ``instead_of`` as well."""
        needs, free = replace(self._backend.needs(shape), starts=0), self._backend.room().free
        if instead_of is not None and not instead_of.final:
            free += self._backend.needs(instead_of.shape)
        spare = Amount(memory_mib=sum(warm.session.shape.total_memory_mib for warm in self._pool))
        return not (free + spare).lacks(needs)

    async def _watch(self) -> None:
        self._waiting.move()
        while True:
            await asyncio.sleep(_CULL_S)
            now = time.monotonic()
            for warm in self._pool.spent(now):
                self._spawn(self._end_warm(warm))
            for session in self.sessions:
                reason = session.expired(now)
                if reason is not None:
                    self._spawn(self._end_unless_it_works(session, reason))
            for session, reason in self._waiting.overdue(time.time()):
                self._spawn(session.end(reason, SessionState.DEAD))
            self._waiting.move()
            self.sessions.forget_surplus()

    async def _end_unless_it_works(self, session: Session, reason: str) -> None:
        if await session.works():
            session.touch()
        elif session.expired(time.monotonic()) is not None:
            LOG.info("session %d ends: %s", session.id, reason)
            await session.end(reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _application(session: Session) -> str:
    return f"application_{int(session.created * 1000)}_{session.id:04d}"


def _name(session: Session, conf: dict[str, str]) -> str:
    return conf.get("spark.app.name") or session.name or f"{session.owner.project_user}-{session.id}"


def known_by(conf: dict[str, str], network: Network, *, full: bool = False) -> dict[str, str]:
    """What a session that is kept ready must have been started with to be the one that is asked for."""
    sandbox = {} if network is Network.PLATFORM else {"the network of the sandbox": network.value}
    return conf | sandbox | ({"the project's datasets": "read only"} if full else {})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(shape: Shape) -> str:
    return f"{shape.most_executors} executors, {shape.total_memory_mib} MiB, {shape.total_gpus} GPUs"
