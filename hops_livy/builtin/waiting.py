"""What a driver on a cluster waits for, told while it waits; and whether that is because the cluster has no room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from hops_livy.engines.drivers import DriverRequest
from hops_livy.masters.master import Cluster, ClusterError

SOON_S, LATER_S = 2.0, 15.0
"""How often the cluster is asked: while something is waited for, and to see whether executors were lost."""
GIVEN_S = 30.0
"""Within so many seconds a cluster gives what it has free. One that does not keeps it back, as a queue may."""


class Waiting:
    """Looks at the cluster for one driver.

    Args:
        cluster: Answers what there is and who uses it.
        request: What the driver was asked for.

    Attributes:
        text: What it waits for, in words; empty for nothing.
        has_no_room: Whether that is because the cluster has no room for it.
        spark_application: Spark's id of the application, once the driver has told it.
    """

    def __init__(self, cluster: Cluster, request: DriverRequest) -> None:
        self._cluster = cluster
        self._request = request
        self._had_all = False
        self._since: float | None = None
        self._full_before = False
        self._told = ("", False)
        self.text = ""
        self.has_no_room = False
        self.spark_application: str | None = None

    async def follow(self, begun: Callable[[], bool]) -> None:
        """Looks until it is cancelled; returns at once from a cluster that can't be asked.

        Args:
            begun: Tells whether the driver is ready: one that is not can still wait for its beginning.
        """
        while True:
            told = await self._look()
            if told is None:
                return
            self.text, self.has_no_room = told
            if told != self._told:
                self._told = told
                self._request.tell(told[0], no_room=told[1])
            await asyncio.sleep(SOON_S if self.text or not begun() else LATER_S)

    async def _look(self) -> tuple[str, bool] | None:
        request, owner = self._request, self._request.owner.project_user
        try:
            view = await self._cluster.look(owner)
        except ClusterError as error:
            return str(error), False
        if view is None:
            return None
        # Names can be told by code of the session, and tags be taken by anybody's: of others' nothing is told.
        application = view.find(request.application, self.spark_application, owner=owner)
        if application is None:
            # Before the cluster knows it, the driver itself is still being started.
            return "", False
        text = view.why_waiting(request.shape, application, owner)
        self._had_all = self._had_all or not text
        full = bool(text) and not view.has_room(request.shape, application)
        return text, not self._had_all and self._lacks_room(full=full)

    def _lacks_room(self, *, full: bool) -> bool:
        now = time.monotonic()
        since = self._since = now if self._since is None else self._since
        # Twice, since hosts and applications are not always counted at the same moment.
        twice, self._full_before = full and self._full_before, full
        return twice or now - since > GIVEN_S
