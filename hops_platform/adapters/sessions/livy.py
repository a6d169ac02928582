"""The session service's REST API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from pydantic import ValidationError

from hops_contract.happenings import SessionHappenings
from hops_contract.origins import FORWARDED_BY, FORWARDED_FOR
from hops_contract.trust import public_authorities
from hops_platform.engines.sessions import SessionsUse
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    ForbiddenError,
    MalformedRequestError,
    NotFoundError,
    PlatformError,
    UnauthenticatedError,
)

_TIMEOUT = httpx.Timeout(60.0, connect=3.0)
_PROBE_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
HELD_AT_ONCE = 12
"""A request that is held takes a thread of this service; beyond so many they are answered at once."""
_AS_SAID: Mapping[int, type[PlatformError]] = {
    400: MalformedRequestError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
}


class LivySessions:
    """Sessions and batches at the session service.

    Args:
        url: Its address.
        sign: Makes a token of this service.
        transport: Takes the place of the network in tests.
    """

    def __init__(self, url: str, *, sign: Callable[[], str], transport: httpx.BaseTransport | None = None) -> None:
        self._sign = sign
        self._places = threading.BoundedSemaphore(HELD_AT_ONCE)
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/",
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=False,
            verify=public_authorities(),
        )

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        answer = self._ask("GET", "health", self._sign(), timeout=_PROBE_TIMEOUT)
        return f"Session service {answer.get('version', '')}".strip()[:100]

    def end_all(self, project_user: str, *, reason: str | None = None) -> None:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        told = {} if reason is None else {"params": {"reason": reason}}
        response = self._send("DELETE", f"owners/{project_user}", self._sign(), **told)
        if response.is_error and response.status_code != httpx.codes.NOT_FOUND:
            raise EngineRefusedError(f"The session service refused with status {response.status_code}.")

    def use_of(self, project: str) -> SessionsUse:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        answer = self._ask("GET", f"projects/{project}/use", self._sign())
        try:
            return SessionsUse(**{name: int(answer[name]) for name in ("sessions", "executors", "memory_mib", "gpus")})
        except (KeyError, TypeError, ValueError) as error:
            raise _odd(httpx.codes.OK) from error

    def happened(self, stream: str, after: int, *, limit: int) -> SessionHappenings:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        asked = {"stream": stream, "after": str(after), "limit": str(limit)}
        answer = self._ask("GET", "happenings", self._sign(), params=asked)
        try:
            return SessionHappenings.model_validate(answer)
        except ValidationError as error:
            raise _odd(httpx.codes.OK) from error

    def look(self, token: str, query: Mapping[str, str], *, wait_s: float = 0) -> Mapping[str, Any]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        if not wait_s or not self._places.acquire(blocking=False):
            return self._ask("GET", "overview", token, params=dict(query))
        try:
            return self._ask("GET", "overview", token, params={**query, "wait_s": str(wait_s)})
        finally:
            self._places.release()

    def log(self, token: str, session: int, *, size: int) -> Mapping[str, Any]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        return self._ask("GET", f"overview/{session}/log", token, params={"size": str(size)})

    def stop(self, token: str, session: int, *, source: str = "") -> Mapping[str, Any]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        return self._ask("DELETE", f"overview/{session}", token, headers=self._forwarding(source))

    def stop_idle(self, token: str, wanted: Mapping[str, Any], *, source: str = "") -> Sequence[int]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        told = self._ask("POST", "/overview:stop-idle", token, json=dict(wanted), headers=self._forwarding(source))
        ended = told.get("ended")
        if not isinstance(ended, list) or not all(isinstance(number, int) for number in ended):
            raise _odd(httpx.codes.OK)
        return ended

    def _forwarding(self, source: str) -> dict[str, str]:
        """Where a caller is, and the proof that this service says so; nobody else is believed."""
        return {FORWARDED_FOR: source, FORWARDED_BY: self._sign()} if source else {}

    def _ask(self, method: str, path: str, token: str, **content: Any) -> Mapping[str, Any]:
        response = self._send(method, path, token, **content)
        try:
            answer = response.json()
        except ValueError as error:
            raise _odd(response.status_code) from error
        if not isinstance(answer, dict):
            raise _odd(response.status_code)
        if not response.is_error:
            return answer
        kind = _AS_SAID.get(response.status_code, EngineRefusedError)
        raise kind(str(answer.get("detail", "The session service refused.")), remedy=answer.get("remedy"))

    def _send(
        self, method: str, path: str, token: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        try:
            response = self._client.request(
                method, path, headers={**(headers or {}), "Authorization": f"Bearer {token}"}, **content
            )
        except httpx.HTTPError as error:
            raise EngineUnavailableError("The session service does not answer.") from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise EngineUnavailableError(
                f"The session service failed with status {response.status_code}.", remedy="Try again in a moment."
            )
        return response


def _odd(status: int) -> EngineRefusedError:
    return EngineRefusedError(f"The session service answered with status {status} and nothing readable.")
