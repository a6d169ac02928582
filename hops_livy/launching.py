"""How a session gets its driver: a new one, or the one that an earlier service left.

Law: the project's limits of the moment of the start hold. A session can have waited long for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hops_contract.options import SessionBounds
from hops_contract.principal import Principal
from hops_livy.background import Background
from hops_livy.engines.drivers import BatchFile, Driver, DriverRequest, SessionBackend, Shape, StartError
from hops_livy.errors import ServiceError
from hops_livy.gpus import GpuLedger
from hops_livy.masters.view import no_room_now
from hops_livy.news import News
from hops_livy.pool import known_by
from hops_livy.project_limits import ProjectLimits
from hops_livy.recovery import Recovered, application_of, heading
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.waiting_room import Waiting

LOG = logging.getLogger(__name__)


class Launcher:
    """Starts drivers and follows them.

    Args:
        backend: What runs them.
        gpus: The ledger, to tell a session what it holds.
        project_limits: Tells what sessions of a project may use.
        news: Told that a session has its driver.
        background: What goes on meanwhile.
        moved: Told when a driver shows what it really uses, and when that is free again.
    """

    def __init__(
        self,
        backend: SessionBackend,
        *,
        gpus: GpuLedger,
        project_limits: ProjectLimits,
        news: News,
        background: Background,
        moved: Callable[[], None],
    ) -> None:
        self._backend = backend
        self._gpus = gpus
        self._project_limits = project_limits
        self._news = news
        self._background = background
        self._moved = moved

    async def launch_waiting(self, entry: Waiting) -> None:
        """Starts the driver of one whose turn has come.

        Raises:
            StartError: It can't be started.
        """
        session = entry.session
        token = session.journal.token() or entry.token
        bounds = await self._bounds_of(session.owner, token)
        await self._start(session, token, entry.conf, bounds, batch=entry.batch, may_wait=entry.may_wait)

    async def launch_warm(self, session: Session, token: str, conf: dict[str, str]) -> dict[str, str]:
        """Starts the driver of one that is kept ready; returns what it is known by.

        Args:
            session: The session, new.
            token: Its owner's token.
            conf: Settings for Spark.

        Raises:
            StartError: It can't be started.
        """
        bounds = await self._bounds_of(session.owner, token)
        known = known_by(conf, bounds.network, full=bounds.full)
        session.journal.keep_token(token)
        session.record.begin(heading(session, application_of(session), warm=known))
        await self._start(session, token, conf, bounds, warm=True)
        return known

    async def find_again(self, found: Recovered, token: str | None) -> None:
        """Takes the driver that an earlier service left."""
        session = found.session
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
        self._follow(session, await self._backend.recover(request, found.driver))

    async def _start(
        self,
        session: Session,
        token: str,
        conf: dict[str, str],
        bounds: SessionBounds,
        *,
        batch: BatchFile | None = None,
        warm: bool = False,
        may_wait: bool = True,
    ) -> None:
        request = DriverRequest(
            session_id=session.id,
            application=application_of(session),
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
        driver = await self._backend.start(request)
        if session.final:
            # It was ended in the moment in which it was started.
            await driver.end(session.reason)
            return
        session.record.put({"is": "driver", "state": driver.state}, instead_of="waiting")
        self._follow(session, driver)
        self._news.tell()
        LOG.info("session %d of %s starts: %s", session.id, session.owner.project_user, _described(session.shape))

    def _follow(self, session: Session, driver: Driver) -> None:
        session.gpus = self._gpus.held_by(session.id)
        session.follow(driver)
        for moment in (driver.ready, driver.ended):
            moment.add_done_callback(lambda _: self._moved())

    async def _bounds_of(self, owner: Principal, token: str) -> SessionBounds:
        try:
            return await self._project_limits.of(owner, token)
        except ServiceError as error:
            raise StartError(error.detail) from error

    def _explain(self, session: Session, reason: str, *, no_room: bool = False, may_wait: bool) -> None:
        """Tells why a driver does nothing; one that is not to wait for a cluster's room ends then."""
        session.explain(reason)
        if no_room and not may_wait and session.state is not SessionState.SHUTTING_DOWN and not session.final:
            LOG.info("session %d does not wait for the cluster", session.id)
            self._background.begin(session.end(no_room_now(reason), SessionState.DEAD))


def _name(session: Session, conf: dict[str, str]) -> str:
    return conf.get("spark.app.name") or session.name or f"{session.owner.project_user}-{session.id}"


def _described(shape: Shape) -> str:
    return f"{shape.most_executors} executors, {shape.total_memory_mib} MiB, {shape.total_gpus} GPUs"
