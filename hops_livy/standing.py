"""What a caller is at this moment: administrator or not, and in which role in a project; asked of the control plane.

A token tells the role of the moment when it was signed. To see and end one's own sessions that is of no matter; for
those of others it would let somebody on who is a Data Owner or administrator no longer.
"""

from __future__ import annotations

import time
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from hops_contract.principal import ProjectRole
from hops_livy.errors import NotAuthenticatedError, UnavailableError

KEPT_S = 10.0
_PATIENCE_S = 5.0
_UNKNOWN = 401
_UNSEEN = (403, 404)


class Standing(Protocol):
    """Where it is found what a caller is."""

    async def role_in(self, project: str, token: str, *, newest: bool) -> ProjectRole | None:
        """The role in ``project`` of whom ``token`` belongs to; ``None`` for who is no member.

        Raises:
            NotAuthenticatedError: The token is good no more.
            UnavailableError: It can't be told now.
        """

    async def is_administrator(self, token: str, *, newest: bool) -> bool:
        """Whether ``token`` belongs to an administrator of the platform.

        Raises:
            NotAuthenticatedError: The token is good no more.
            UnavailableError: It can't be told now.
        """


class PublishedStanding:
    """What the control plane answers, kept for a moment; to change something (``newest``) it is asked anew.

    Args:
        me_url: Where the control plane tells who the caller is.
        projects_url: Address of its projects; ends with ``/``.
        client: HTTP client.
    """

    def __init__(self, me_url: str, projects_url: str, client: httpx.AsyncClient) -> None:
        self._me_url = me_url
        self._projects_url = projects_url
        self._client = client
        self._kept: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    async def role_in(self, project: str, token: str, *, newest: bool = False) -> ProjectRole | None:
        """See :class:`Standing`; at most ten seconds old."""
        answer = await self._told(f"{self._projects_url}{quote(project, safe='')}", token, newest=newest)
        role = answer.get("role")
        return ProjectRole(role) if role in set(ProjectRole) else None

    async def is_administrator(self, token: str, *, newest: bool = False) -> bool:
        """See :class:`Standing`; at most ten seconds old."""
        me = await self._told(self._me_url, token, newest=newest)
        # With a password that somebody else chose one does nothing but choose another.
        return me.get("admin") is True and not me.get("must_change_password")

    async def _told(self, url: str, token: str, *, newest: bool) -> dict[str, Any]:
        now = time.monotonic()
        self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] < KEPT_S}
        if newest or (url, token) not in self._kept:
            self._kept.pop((url, token), None)
            # As old as the question: the answer may be of any moment after it.
            self._kept[url, token] = (now, await self._ask(url, token))
        return self._kept[url, token][1]

    async def _ask(self, url: str, token: str) -> dict[str, Any]:
        try:
            answer = await self._client.get(
                url, headers={"Authorization": f"Bearer {token}"}, timeout=_PATIENCE_S, follow_redirects=False
            )
            if answer.status_code == _UNKNOWN:
                raise NotAuthenticatedError(
                    "The control plane does not let you in any more.", remedy="Log in, or start the server, again."
                )
            if answer.status_code in _UNSEEN:
                return {}
            content = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable() from error
        if answer.status_code != httpx.codes.OK or not isinstance(content, dict):
            raise _unavailable()
        return content


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "The control plane does not tell your role now, and without it nobody sees the sessions of others.",
        remedy="Try again in a moment; your own sessions are shown all the same.",
    )
