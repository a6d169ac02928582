"""Shows Apache Livy by Kerberos who the platform is (SPNEGO, RFC 4559), and believes only what proves to be Livy.

Laws:

1. Every request logs in by itself; there is no other way when that fails.
2. An answer that does not prove by Kerberos that it is from Livy says nothing about a session.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from hops_contract.gssapi import GssError, GssMissingError, Initiation, ServiceTicket, check_library
from hops_livy.upstream.answers import AwayError
from hops_livy.upstream.tickets import Tickets, no_ticket
from hops_livy.upstream_settings import UpstreamSettings
from hops_livy.variables import SettingsError

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")
_MOST_TOKEN = 64 * 1024


class Kerberos(httpx.Auth):
    """Logs in with each request.

    Args:
        settings: Principal, keytab and the address of Livy.

    Raises:
        SettingsError: The system's library for Kerberos is not there.
    """

    def __init__(self, settings: UpstreamSettings) -> None:
        try:
            check_library()
        except GssMissingError as error:
            raise SettingsError(f"HOPS_LIVY_UPSTREAM_AUTH is kerberos. {error}") from None
        keytab = (settings.secret_file or Path()).absolute()
        service = f"HTTP@{urlsplit(settings.url).hostname}"
        self._tickets = Tickets(keytab, lambda: ServiceTicket(settings.user, keytab, service))
        # Computes only; apart from the thread that waits for the KDC.
        self._computing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kerberos")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See ``httpx.Auth``."""
        # Not closed here: where this is cancelled, a thread may still be at work with it.
        login = await self._begin()
        request.headers["Authorization"] = f"Negotiate {base64.b64encode(login.token).decode()}"
        response = yield request
        await self._check(response, login)

    def close(self) -> None:
        """Waits for nothing; what still runs ends by itself."""
        self._computing.shutdown(wait=False, cancel_futures=True)
        self._tickets.close()

    async def _computed(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._computing, work)

    async def _begin(self) -> Initiation:
        ticket = await self._tickets.current()
        try:
            return await self._computed(ticket.begin)
        except GssError as error:
            self._tickets.distrust()
            raise no_ticket(error) from None

    async def _check(self, response: httpx.Response, login: Initiation) -> None:
        proof = _proof(response)
        if proof is None and response.status_code in (401, 403):
            # It may be made with a key that the service no longer has.
            self._tickets.distrust()
            raise AwayError(
                f"Apache Livy does not accept the platform's Kerberos ticket (HTTP {response.status_code}); its log "
                "says why. Often its clock is wrong, or its keytab holds another key of HTTP/<host> than the KDC. Tell "
                "the administrator."
            )
        try:
            await self._computed(partial(login.finish, proof or b""))
        except GssError as error:
            LOG.warning("an answer with HTTP %d proves nothing: %s", response.status_code, error)
            raise AwayError(
                f"What answers at the address of Apache Livy (HTTP {response.status_code}) does not prove by Kerberos "
                "that it is Apache Livy, so that nothing that it says is believed. If that lasts, tell the "
                "administrator.",
                maybe_taken=True,
            ) from None


def _proof(response: httpx.Response) -> bytes | None:
    """What the answer has to prove who it is from; ``None`` if it has nothing."""
    for offered in response.headers.get_list("WWW-Authenticate", split_commas=True):
        way, _, token = offered.strip().partition(" ")
        if way.lower() == "negotiate" and 0 < len(token) <= _MOST_TOKEN:
            try:
                return base64.b64decode(token.strip(), validate=True)
            except (binascii.Error, ValueError):
                return None
    return None
