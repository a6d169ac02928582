"""The session service's REST API."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from hops_platform.errors import EngineRefusedError, EngineUnavailableError

_TIMEOUT = httpx.Timeout(60.0, connect=3.0)


class LivySessions:
    """Sessions and batches at the session service.

    Args:
        url: Its address.
        sign: Makes a token of this service.
        transport: Takes the place of the network in tests.
    """

    def __init__(self, url: str, *, sign: Callable[[], str], transport: httpx.BaseTransport | None = None) -> None:
        self._sign = sign
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/", timeout=_TIMEOUT, transport=transport, trust_env=False
        )

    def end_all(self, project_user: str) -> None:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        try:
            response = self._client.delete(
                f"owners/{project_user}", headers={"Authorization": f"Bearer {self._sign()}"}
            )
        except httpx.HTTPError as error:
            raise EngineUnavailableError("The session service does not answer.") from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise EngineUnavailableError(f"The session service failed with status {response.status_code}.")
        if response.is_error and response.status_code != httpx.codes.NOT_FOUND:
            raise EngineRefusedError(f"The session service refused with status {response.status_code}.")
