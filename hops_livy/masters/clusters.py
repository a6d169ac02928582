"""Asks a cluster over HTTP: the page of a standalone master, YARN's ResourceManager."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import httpx

from hops_livy.masters import standalone, yarn
from hops_livy.masters.master import ClusterError
from hops_livy.masters.view import ClusterView

Told = TypeVar("Told")
FRESH_S = 1.0
"""So old an answer is still taken: many sessions that wait ask as one."""
_PATIENCE_S = 5.0
_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
_MOST_BYTES = 8 * 1024 * 1024
_MOST_APPLICATIONS = 1000
_LIVING = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"


class UnseenCluster:
    """A cluster that nothing is asked: see :class:`~hops_livy.masters.master.Cluster`."""

    async def look(self, project_user: str) -> ClusterView | None:  # noqa: ARG002 - the port's
        """See :class:`~hops_livy.masters.master.Cluster`."""
        return None

    async def release(self, application: str, project_user: str) -> None:
        """See :class:`~hops_livy.masters.master.Cluster`."""


class StandaloneCluster:
    """See :class:`~hops_livy.masters.master.Cluster`; an application ends there when its driver has gone.

    Args:
        page_url: The master's page.
        client: HTTP client.
    """

    def __init__(self, page_url: str, client: httpx.AsyncClient) -> None:
        self._url = f"{page_url.rstrip('/')}/json/"
        self._http = _Http(client)
        self._kept = _Kept()

    async def look(self, project_user: str) -> ClusterView | None:  # noqa: ARG002 - the page is the same for all
        """See :class:`~hops_livy.masters.master.Cluster`."""
        return await self._kept.get("", self._ask)

    async def release(self, application: str, project_user: str) -> None:
        """See :class:`~hops_livy.masters.master.Cluster`."""

    async def _ask(self) -> ClusterView:
        return _read(standalone.read_view, await self._http.get(self._url))


class YarnCluster:
    """See :class:`~hops_livy.masters.master.Cluster`.

    The ResourceManager is asked in the name of whose session it is, so that it shows and ends what is theirs.

    Args:
        url: The ResourceManager's web address.
        client: HTTP client.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = f"{url.rstrip('/')}/ws/v1/cluster"
        self._http = _Http(client)
        self._kept = _Kept()

    async def look(self, project_user: str) -> ClusterView | None:
        """See :class:`~hops_livy.masters.master.Cluster`."""
        return await self._kept.get(project_user, partial(self._ask, project_user))

    async def release(self, application: str, project_user: str) -> None:
        """See :class:`~hops_livy.masters.master.Cluster`."""
        who = {"user.name": project_user}
        # One that had begun ends by itself when its driver is gone, and then takes its files along.
        for pause_s in (*_PAUSES_S, None):
            told = await self._http.get(f"{self._url}/apps", {**who, "applicationTags": application, "states": _LIVING})
            living, begun = _read(lambda content: yarn.living_ids(content, application), told)
            if pause_s is None or not begun:
                break
            await asyncio.sleep(pause_s)
        for number in living:
            await self._http.put(f"{self._url}/apps/{number}/state", who, {"state": "KILLED"})

    async def _ask(self, project_user: str) -> ClusterView:
        nodes = await self._http.get(f"{self._url}/nodes", {"user.name": project_user})
        applications = await self._http.get(
            f"{self._url}/apps", {"user.name": project_user, "states": _LIVING, "limit": str(_MOST_APPLICATIONS)}
        )
        return _read(yarn.read_view, nodes, applications)


class _Kept:
    """The newest answer for each asker, for a moment."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, ClusterView]] = {}

    async def get(self, asker: str, ask: Callable[[], Awaitable[ClusterView]]) -> ClusterView:
        now = time.monotonic()
        self._answers = {key: kept for key, kept in self._answers.items() if now - kept[0] < FRESH_S}
        if asker not in self._answers:
            self._answers[asker] = (now, await ask())
        return self._answers[asker][1]


class _Http:
    """Bounded requests that name no address when they fail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, url: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            async with self._client.stream(
                "GET", url, params=query, headers={"Accept": "application/json"}, timeout=_PATIENCE_S
            ) as answer:
                answer.raise_for_status()
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise _silent()
            content = httpx.Response(200, content=bytes(body)).json()
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise _silent() from error
        if not isinstance(content, dict):
            raise _silent()
        return content

    async def put(self, url: str, query: dict[str, str], content: dict[str, str]) -> None:
        try:
            answer = await self._client.put(url, params=query, json=content, timeout=_PATIENCE_S)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise _silent() from error


def _read(reader: Callable[..., Told], *content: dict[str, Any]) -> Told:
    try:
        return reader(*content)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _silent() from error


def _silent() -> ClusterError:
    return ClusterError("The cluster's master does not answer as it should; try again, or tell the administrator.")
