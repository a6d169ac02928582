"""Keeps the token of a session's folder fresh, for as long as its owner is a member."""

from __future__ import annotations

import asyncio
import logging
import time

import httpx
import jwt

from hops_livy.sessions import Session

LOG = logging.getLogger(__name__)
_RETRY_S = 10.0
_SHORTEST_S = 1.0
_REFUSED = (401, 403, 404)


class TokenRenewal:
    """Renews tokens at the control plane.

    Args:
        url: Where.
        client: HTTP client.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client

    async def keep_fresh(self, session: Session, token: str) -> None:
        """Renews when half of the token's life is over, until the session ends or renewal is refused."""
        while not session.final:
            await asyncio.sleep(_wait_s(token))
            if session.final or session.driver is None:
                return
            try:
                answer = await self._client.post(self._url, headers={"Authorization": f"Bearer {token}"})
            except httpx.HTTPError as error:
                LOG.warning("the token of session %d can't be renewed now: %s", session.id, type(error).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            if answer.status_code in _REFUSED:
                LOG.info("session %d ends: renewal of its token was refused", session.id)
                await session.end(f"{session.owner.user} is no longer a member of project {session.owner.project}.")
                return
            if answer.is_success:
                token = str(answer.json()["token"])
                session.driver.renew_token(token)
            else:
                await asyncio.sleep(_RETRY_S)


def _wait_s(token: str) -> float:
    """Seconds until half of the life of ``token`` is over; the token was verified when it came."""
    claims = jwt.decode(token, options={"verify_signature": False})
    half = (claims["iat"] + claims["exp"]) / 2
    return max(_SHORTEST_S, float(half) - time.time())
