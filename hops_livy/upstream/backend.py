"""The backend for a site's own Apache Livy."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from functools import partial
from typing import Any

import httpx

from hops_contract.layout import Home
from hops_contract.principal import Principal
from hops_livy.engines.amounts import Amount, Room
from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.errors import disk_trouble
from hops_livy.upstream.client import LivyClient, open_http
from hops_livy.upstream.driver import UpstreamDriver
from hops_livy.upstream.leftovers import KINDS, Leftovers
from hops_livy.upstream.names import Names, site_of
from hops_livy.upstream.pace import heartbeat_pause, probe_pause
from hops_livy.upstream.requests import batch_body, check_shape, session_body
from hops_livy.upstream.rounds import Rounds
from hops_livy.upstream_settings import UpstreamSettings

LOG = logging.getLogger(__name__)


class UpstreamSessions:
    """See :class:`~hops_livy.engines.drivers.SessionBackend`.

    Args:
        home: The platform's home.
        settings: The site's Livy.
        start_s: After so many seconds a start has failed.
        deserted_s: After so many seconds without a session service Livy ends the sessions.
        transport: Carries the requests; default: the network.

    Raises:
        OSError: The file with the authorities can't be used.
        SettingsError: The system lacks what the kind of authentication needs.
    """

    def __init__(
        self,
        home: Home,
        settings: UpstreamSettings,
        *,
        start_s: float,
        deserted_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._home = home
        self._settings = settings
        self._start_s = start_s
        self._deserted_s = deserted_s
        self._livy = LivyClient(open_http(settings, transport))
        self._left = Leftovers(self._livy)
        self._rounds = {kind: Rounds(self._livy, kind) for kind in KINDS}
        self._drivers: dict[int, UpstreamDriver] = {}
        self._known_names: Names | None = None

    async def prepare(self, known: Collection[int]) -> None:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`. Goes on beside what follows: Livy may be away."""
        self._left.find(partial(self._is_left, self._names(), frozenset(known)))

    async def start(self, request: DriverRequest) -> UpstreamDriver:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        name = self._names().name(request.application)
        if request.batch is None:
            body = session_body(request, self._settings, name, deserted_s=self._deserted_s)
        else:
            body = batch_body(request, request.batch, self._settings, name, projects=self._home.projects.resolve())
        driver = self._driver(request, name)
        try:
            await driver.launch(body)
        except BaseException:
            self._drivers.pop(request.session_id, None)
            raise
        return driver

    async def check(self, shape: Shape, *, owner: Principal, instead_of: int | None = None) -> None:  # noqa: ARG002
        """See :class:`~hops_livy.engines.drivers.SessionBackend`. What is free only the cluster knows."""
        check_shape(shape, self._settings.cluster)

    def needs(self, shape: Shape) -> Amount:  # noqa: ARG002 - whatever it is, the cluster counts it
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        return Amount(sessions=1)

    def room(self) -> Room:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        return Room()

    async def recover(self, request: DriverRequest, state: dict[str, Any] | None) -> UpstreamDriver:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        # As it was called when it was started: the setting may be another one by now.
        name = (state or {}).get("livy")
        driver = self._driver(request, name if isinstance(name, str) else self._names().name(request.application))
        await driver.adopt()
        return driver

    async def close(self) -> None:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        await self._left.close()
        for rounds in self._rounds.values():
            await rounds.close()
        # Whoever was let go of ends in this moment, with the connection still open.
        await asyncio.sleep(0)
        await self._livy.close()

    def _driver(self, request: DriverRequest, name: str) -> UpstreamDriver:
        driver = UpstreamDriver(
            request,
            self._livy,
            name,
            start_s=self._start_s,
            rounds=self._rounds["sessions" if request.batch is None else "batches"],
            probe_pause=lambda: probe_pause(len(self._drivers)),
            heartbeat_s=heartbeat_pause(self._deserted_s),
            on_left=self._left.add,
            on_gone=lambda: self._forget(request.session_id),
        )
        self._drivers[request.session_id] = driver
        return driver

    def _is_left(self, names: Names, known: frozenset[int], name: str) -> bool:
        number = names.session_id(name)
        return number is not None and number not in known and number not in self._drivers

    def _forget(self, session_id: int) -> None:
        self._drivers.pop(session_id, None)

    def _names(self) -> Names:
        if self._known_names is None:
            try:
                folder = self._home.run / "sessions"
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._known_names = Names(self._settings.name, site_of(folder / "livy-site"))
            except OSError as error:
                raise StartError(disk_trouble(error)) from error
        return self._known_names
