"""Speaks with Apache Livy: one request after the other, each bounded in time and size."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import httpx

from hops_livy.upstream.answers import (
    Answer,
    AwayError,
    SessionView,
    StatementView,
    TooMuchError,
    candidates,
    content_of,
    log_lines,
    session_view,
    session_views,
    statement_view,
)
from hops_livy.upstream.kerberos import Kerberos
from hops_livy.upstream.secret import Secret
from hops_livy.upstream_settings import Authentication, UpstreamSettings

_MIB = 1024 * 1024
_MOST_VIEW, _MOST_LIST, _MOST_STATEMENT = 16 * _MIB, 32 * _MIB, 24 * _MIB
_CONNECT_S, _ANSWER_S, _START_S, _COMPLETION_S = 5.0, 30.0, 120.0, 2.0
PAGE = 100
_MOST_PAGES = 100
_LOG_LINES = 1000
_NO_STATEMENT = 2**31 - 1
# Livy refuses whatever changes something and has no such header: no page of another site can send it.
_HEADERS = {"X-Requested-By": "hopslab", "Accept": "application/json"}


def open_http(settings: UpstreamSettings, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client for HTTP that shows who the platform is and keeps no cookies.

    Raises:
        OSError: The file with the authorities can't be used.
        SettingsError: The system lacks what the kind of authentication needs.
    """
    authorities = settings.authorities
    return httpx.AsyncClient(
        base_url=settings.url,
        headers=_HEADERS,
        auth=_authentication(settings),
        verify=ssl.create_default_context(cafile=None if authorities is None else str(authorities)),
        timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
        # Who was let in first must not be who all later requests are.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
    )


def _authentication(settings: UpstreamSettings) -> httpx.Auth | None:
    if settings.authentication is Authentication.KERBEROS:
        return Kerberos(settings)
    return Secret(settings) if settings.authentication.has_secret else None


class LivyClient:
    """Livy's REST interface, as far as it is needed. All methods raise :class:`~hops_livy.upstream.answers.LivyError`.

    Sessions are asked for by their names: a Livy that was restarted gives its ids again, and a name means one only.

    Args:
        http: From :func:`open_http`.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()
        if isinstance(self._http.auth, Kerberos):
            self._http.auth.close()

    async def create(self, kind: str, body: dict[str, Any]) -> SessionView:
        """Asks for a session (``sessions``) or batch (``batches``)."""
        return session_view(await self._call("POST", f"/{kind}", body, patience_s=_START_S))

    async def get(self, kind: str, name: str) -> SessionView:
        """A session or batch; also tells Livy that it is still cared for."""
        return session_view(await self._call("GET", _path(kind, name)))

    async def all(self, kind: str, *, most: int = _MOST_LIST) -> AsyncIterator[SessionView]:
        """All of them, everybody's.

        Args:
            kind: ``sessions`` or ``batches``.
            most: So many bytes the list of a hundred may have.
        """
        for page in range(_MOST_PAGES):
            content = await self._call("GET", f"/{kind}?from={page * PAGE}&size={PAGE}", most=most)
            views = session_views(content)
            for view in views:
                yield view
            if len(views) < PAGE:
                return

    async def log(self, kind: str, name: str) -> list[str]:
        """The last lines of its log."""
        return log_lines(await self._call("GET", _path(kind, name, f"log?size={_LOG_LINES}")))

    async def delete(self, kind: str, name: str) -> None:
        """Ends it; answers when it is gone."""
        await self._call("DELETE", _path(kind, name))

    async def keep(self, name: str) -> None:
        """Tells Livy that a session is used, though nothing is run in it."""
        await self._call("POST", _path("sessions", name, "connect"))

    async def submit(self, name: str, code: str, kind: str) -> StatementView:
        """Runs a statement."""
        path = _path("sessions", name, "statements")
        return statement_view(await self._call("POST", path, {"code": code, "kind": kind}, most=_MOST_STATEMENT))

    async def statement(self, name: str, number: int) -> StatementView:
        """A statement with its output."""
        path = _path("sessions", name, f"statements/{number}")
        return statement_view(await self._call("GET", path, most=_MOST_STATEMENT))

    async def probe(self, name: str) -> None:
        """Asks for a statement that no session has: the answer comes from the driver itself.

        Raises:
            MissingError: The driver has answered.
            FailedError: It can't be asked any more.
        """
        await self.statement(name, _NO_STATEMENT)

    async def cancel(self, name: str, number: int) -> None:
        """Asks for the end of a statement."""
        await self._call("POST", _path("sessions", name, f"statements/{number}/cancel"))

    async def complete(self, name: str, code: str, cursor: int, kind: str) -> list[str]:
        """Words that may stand at the cursor."""
        body = {"code": code, "cursor": cursor, "kind": kind}
        path = _path("sessions", name, "completion")
        return candidates(await self._call("POST", path, body, patience_s=_COMPLETION_S))

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        most: int = _MOST_VIEW,
        patience_s: float = _ANSWER_S,
    ) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        headers = None if content is None else {"Content-Type": "application/json"}
        timeout = httpx.Timeout(patience_s, connect=_CONNECT_S)
        try:
            async with (
                asyncio.timeout(patience_s),
                self._http.stream(method, path, content=content, headers=headers, timeout=timeout) as response,
            ):
                answer = await _answer(response, most)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
            raise AwayError(
                f"Apache Livy can't be reached ({_why(error)}). If that lasts, tell the administrator."
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise AwayError(f"Apache Livy did not answer in {patience_s:.0f} seconds.", maybe_taken=True) from None
        except httpx.HTTPError as error:
            raise AwayError(f"The connection to Apache Livy broke ({_why(error)}).", maybe_taken=True) from None
        # A large one would keep everybody else waiting.
        if len(answer.content) > _MIB:
            return await asyncio.to_thread(content_of, answer)
        return content_of(answer)


async def _answer(response: httpx.Response, most: int) -> Answer:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > most:
            raise TooMuchError(f"Apache Livy's answer is larger than {most // _MIB} MiB.")
    return Answer(
        status=response.status_code,
        kind=response.headers.get("Content-Type", ""),
        location=response.headers.get("Location", ""),
        content=bytes(content),
    )


def _path(kind: str, name: str, part: str = "") -> str:
    return f"/{kind}/{quote(name, safe='')}" + (f"/{part}" if part else "")


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted; HOPS_LIVY_UPSTREAM_CA names the authorities"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
