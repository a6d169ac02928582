"""What a driver on a cluster waits for, told while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hops_livy.engines.drivers import DriverRequest
from hops_livy.masters.master import Cluster, ClusterError

SOON_S, LATER_S = 2.0, 15.0
"""How often the cluster is asked: while something is waited for, and to see whether executors were lost."""


class Waiting:
    """Looks at the cluster for one driver.

    Args:
        cluster: Answers what there is and who uses it.
        request: What the driver was asked for.

    Attributes:
        text: What it waits for, in words; empty for nothing.
        spark_application: Spark's id of the application, once the driver has told it.
    """

    def __init__(self, cluster: Cluster, request: DriverRequest) -> None:
        self._cluster = cluster
        self._request = request
        self.text = ""
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
            if told != self.text:
                self.text = told
                self._request.tell(told)
            await asyncio.sleep(SOON_S if told or not begun() else LATER_S)

    async def _look(self) -> str | None:
        request, owner = self._request, self._request.owner.project_user
        try:
            view = await self._cluster.look(owner)
        except ClusterError as error:
            return str(error)
        if view is None:
            return None
        application = view.find(request.application, self.spark_application)
        # Before the cluster knows it, the driver itself is still being started.
        return "" if application is None else view.why_waiting(request.shape, application, owner)
