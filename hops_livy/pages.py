"""Spark's own pages of a session, passed on to its owner.

The pages stand on a port of the driver, which every process of the machine can reach, and know no login. So:

- Spark is told to answer only to who brings a token that the session's key signed (Spark's ``JWSFilter``). The key is
  known to the session and to this service, and to nobody else.
- The driver tells its port, and the session's code can tell any. It is believed only while the port belongs to the
  driver's own processes, and the address is always this machine's.
- What is passed on is looked at: ``GET``, no cookie, no token of the caller's, a few harmless headers either way, and
  bounded in size and time, and for each person in number.
- Only the owner gets them. They are made by the owner's code, which could put a script into them that acts with the
  rights of whoever looks (docs/decisions/0012-spark-pages-are-their-owners.md).
"""

from __future__ import annotations

import asyncio
import base64
import os
import posixpath
import re
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote, unquote, urlsplit

import httpx
import jwt

from hops_contract.principal import Principal
from hops_livy.engines.drivers import SparkPages
from hops_livy.errors import UnavailableError

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer; the largest that Spark gives by itself is a script of half a MiB."""
ANSWER_S = 20.0
"""For its first byte."""
WHOLE_S = 120.0
"""For all of it."""
AT_ONCE = 64
"""Of all people."""
OF_ONE_PERSON = 8
PATIENCE_S = 5.0
"""For one of these places: a page with all its files asks for more than so many at the same moment."""
WAY = "hops_way"
"""The extension of a request that holds the socket which leads there, if one does."""
REFUSAL = "{} pages of Spark are being read for you already."
REMEDY = "Try again when they are there, or close some tabs that show pages of Spark."
_TOKEN_S = 60
_ASKED = ("accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match")
_TOLD = (
    "cache-control", "content-disposition", "content-encoding", "content-length", "content-security-policy",
    "content-type", "etag", "last-modified",
)  # fmt: skip
_PREFIX = re.compile(r"(/[A-Za-z0-9._~%@+-]+)+")
_LONGEST_PREFIX = 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({401, 403})


def page_path(owner: Principal, session_id: int) -> str:
    """Where the owner's browser finds the pages: at the notebook server, which knows browsers."""
    return f"/user/{quote(owner.user)}/{quote(str(owner.project))}/hops/session/{session_id}/ui/"


def page_token(key: str, now: float) -> str:
    """A token that Spark's filter takes for a minute.

    Args:
        key: Base64, as in URLs.
        now: Seconds since the epoch.
    """
    claims = {"iat": int(now), "exp": int(now) + _TOKEN_S}
    return jwt.encode(claims, base64.urlsafe_b64decode(key), algorithm="HS256")


def usable_prefix(asked: str | None, otherwise: str) -> str:
    """What the links of a page begin with: what a proxy in front of this service asks for, if that is a path."""
    path = (asked or "").rstrip("/")
    return path if len(path) <= _LONGEST_PREFIX and _PREFIX.fullmatch(path) else otherwise.rstrip("/")


def asked_headers(given: Mapping[str, str], *, token: str, prefix: str) -> dict[str, str]:
    """What Spark is sent: nothing of the caller's that proves anything."""
    passed = {name: given[name] for name in _ASKED if name in given}
    # Spark puts it before its links.
    return {"accept-encoding": "identity", **passed, "authorization": f"Bearer {token}", "x-forwarded-context": prefix}


def told_headers(given: Mapping[str, str], *, prefix: str) -> dict[str, str]:
    """What the caller is told of Spark's answer; a redirection leads to another of the pages or nowhere."""
    passed = {name: given[name] for name in _TOLD if name in given}
    location = given.get("location")
    if location is None:
        return passed
    try:
        parts = urlsplit(location)
    except ValueError:
        return passed
    path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    within = path if path == prefix or path.startswith(f"{prefix}/") else prefix + path
    if not _stays(within, prefix):
        return passed
    return passed | {"location": within + (f"?{parts.query}" if parts.query else "")}


def _stays(path: str, prefix: str) -> bool:
    """Whether a browser that goes to ``path`` is below ``prefix`` then."""
    read = unquote(path)
    # Browsers take a backslash for a slash, and leave out some of what can't be seen.
    if ".." in read.split("/") or "\\" in read or not read.isprintable():
        return False
    whole, beginning = posixpath.normpath(read), posixpath.normpath(unquote(prefix))
    return whole == beginning or whole.startswith(f"{beginning}/")


class WaysTransport(httpx.AsyncBaseTransport):
    """Reaches pages in networks of their own by the sockets that lead there.

    Args:
        otherwise: Reaches those in the machine's network.
    """

    def __init__(self, otherwise: httpx.AsyncBaseTransport) -> None:
        self._otherwise = otherwise
        # No certificate is asked for on a socket; made for each request, this would take longer than all the rest.
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See :class:`httpx.AsyncBaseTransport`."""
        way = request.extensions.get(WAY)
        if way is None:
            return await self._otherwise.handle_async_request(request)
        try:
            folder = os.open(way.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise httpx.ConnectError("There is no way there any more.", request=request) from error
        try:
            # Linux takes 107 bytes for the path of a socket. One connection, which its answer ends.
            place = f"/proc/self/fd/{folder}/{way.name}"
            transport = httpx.AsyncHTTPTransport(
                uds=place, verify=self._context, limits=httpx.Limits(max_keepalive_connections=0)
            )
            return await transport.handle_async_request(request)
        finally:
            os.close(folder)

    async def aclose(self) -> None:
        """See :class:`httpx.AsyncBaseTransport`."""
        await self._otherwise.aclose()


class SparkPageReader:
    """Asks Spark for its pages.

    Args:
        transport: Takes the place of the network in tests.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            timeout=ANSWER_S,
            trust_env=False,
            follow_redirects=False,
            transport=transport or WaysTransport(httpx.AsyncHTTPTransport(trust_env=False, limits=limits)),
        )

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.aclose()

    async def read(
        self, pages: SparkPages, target: str, *, headers: Mapping[str, str], prefix: str
    ) -> tuple[int, dict[str, str], AsyncIterator[bytes]]:
        """Status, headers and body of one of them.

        Args:
            pages: Where they are.
            target: Path and query, as they came.
            headers: What the caller sent.
            prefix: What links begin with.

        Raises:
            UnavailableError: Spark does not give it.
        """
        asked = asked_headers(headers, token=page_token(pages.key, time.time()), prefix=prefix)
        try:
            url = httpx.URL(pages.url).copy_with(raw_path=target.encode("ascii"))
            request = self._client.build_request("GET", url, headers=asked, extensions={WAY: pages.socket})
            answer = await self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise _no_answer() from error
        if answer.status_code in _REFUSED:
            await answer.aclose()
            raise _no_answer()
        told = told_headers(answer.headers, prefix=prefix)
        status = answer.status_code
        if status in _REDIRECTS and "location" not in told:
            status = httpx.codes.BAD_GATEWAY
        return status, told, _bounded(answer)


async def _bounded(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes; one that is too large or too slow is broken off, which its reader sees by its length."""
    size = 0
    try:
        async with asyncio.timeout(WHOLE_S):
            async for part in answer.aiter_raw():
                size += len(part)
                if size > MOST_BYTES:
                    raise httpx.ReadError("The page is larger than any of Spark's.")
                yield part
    finally:
        await answer.aclose()


def _no_answer() -> UnavailableError:
    return UnavailableError(
        "Spark does not show this page now.",
        remedy="Try again in a moment; while a session has no memory or time left, its pages wait too.",
    )
