"""Keeps the token of a session's folder fresh, for as long as the control plane lets its owner in."""

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
_STEP_S = 15.0
"""The event loop's clock stands still while the machine sleeps; so long after its waking the wall clock is read."""
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
        """Renews when half of the token's life is over, until the session ends or renewal is refused.

        While the control plane does not answer it is asked again, also when the token has expired meanwhile: then it
        is still renewed for a while.
        """
        while not session.final:
            await _sleep_until(_renewal_time(token), session)
            if session.final:
                return
            try:
                answer = await self._client.post(self._url, headers={"Authorization": f"Bearer {token}"})
                if (reason := _refusal(answer)) is not None:
                    LOG.info("session %d ends: renewal of its token was refused", session.id)
                    await session.end(f"The session's token was not renewed: {reason}")
                    return
                renewed = str(answer.raise_for_status().json()["token"])
                if session.final:
                    return
                session.renew_token(renewed)
            except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
                LOG.warning("the token of session %d can't be renewed now: %s", session.id, type(error).__name__)
                await asyncio.sleep(_RETRY_S)
            else:
                token = renewed


def _refusal(answer: httpx.Response) -> str | None:
    """Why the control plane renews no more, and what its user can do; ``None`` if it did not say so.

    Only a problem in its own words counts: while it is away something else may answer at its address.
    """
    if answer.status_code not in _REFUSED:
        return None
    try:
        problem = answer.json()
    except ValueError:
        return None
    if not isinstance(problem, dict) or not problem.get("detail"):
        return None
    return " ".join(str(problem[part]) for part in ("detail", "remedy") if problem.get(part))


async def _sleep_until(moment: float, session: Session) -> None:
    """Waits for a moment of the wall clock, or the session's end."""
    while not session.final and (left_s := moment - time.time()) > 0:  # noqa: ASYNC110 - no event tells of the wall clock
        await asyncio.sleep(min(left_s, _STEP_S))


def _renewal_time(token: str) -> float:
    """When half of the life of ``token`` is over, or in a moment if it is; the token was verified when it came."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return max(time.time() + _SHORTEST_S, (float(claims["iat"]) + float(claims["exp"])) / 2)
