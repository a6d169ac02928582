"""The platform's Kerberos ticket for Apache Livy: got, renewed, refused in words.

Law: the KDC is asked in a thread of its own, and while a ticket holds, no request waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from hops_contract.gssapi import GssError, ServiceTicket
from hops_livy.upstream.answers import AwayError, sentence
from hops_livy.upstream.secret import mark_of, open_private, unusable

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")
_PATIENCE_S = 20.0
"""So long a request waits for the first ticket."""
_AGAIN_S = 5.0
"""A KDC that gave none is asked again after so many seconds."""
_RENEW_AGAIN_S = 60.0
"""The same, while the ticket at hand still holds; and none is thrown away more often."""
_USED = 0.95
"""The part of a ticket's time in which it is used."""
_KEYTAB_BEGINS = (b"\x05\x01", b"\x05\x02")
_PATHS = re.compile(r"((FILE|MEMORY|DIR|KCM|KEYRING):\S*|/\S+)")
_CAUSES = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (
            r"cannot contact any KDC",
            "no KDC of its realm answers. This machine must reach one of those that krb5.conf or DNS names",
        ),
        (
            r"cannot find KDC|cannot (determine|resolve).* realm|default realm|cannot resolve network address for KDC",
            "krb5.conf names no KDC for its realm. It must name one",
        ),
        (
            r"clock skew",
            "the clocks of this machine and of the KDC are too far apart. Both must be set by a time server",
        ),
        (
            r"client .*not found in kerberos database",
            "the KDC knows no such principal. HOPS_LIVY_UPSTREAM_USER must name one that it knows, with its realm",
        ),
        (
            r"server .*not found in kerberos database",
            "the KDC knows no principal HTTP/<host> for the host that HOPS_LIVY_UPSTREAM_URL names",
        ),
        (
            r"pre-?authentication failed|decrypt integrity check|password incorrect|looping detected",
            "the key in the keytab is no longer the principal's. The keytab must be made anew",
        ),
        (
            r"no credentials cache found|no (suitable )?keys?\b|key table|keytab",
            "the keytab holds no key of the principal that HOPS_LIVY_UPSTREAM_USER names",
        ),
        (r"revoked|has expired|locked out", "the KDC has locked the principal, or its key has expired"),
        (r"encryption type|etype", "the KDC and the keytab have no kind of encryption in common"),
    )
)


class Tickets:
    """The platform's ticket for Livy: got when it is needed first, renewed when half of its time is over.

    Args:
        keytab: The file with the platform's key.
        get: Gets a ticket; blocks while it asks the KDC.
    """

    def __init__(self, keytab: Path, get: Callable[[], ServiceTicket]) -> None:
        self._keytab = keytab
        self._get = get
        self._seen: tuple[int, int] | None = None
        self._ticket: ServiceTicket | None = None
        self._got = self._renew_at = self._ends_at = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._refused: AwayError | None = None
        self._refused_until = 0.0

    async def current(self) -> ServiceTicket:
        """A ticket that holds.

        Raises:
            AwayError: There is none; the message says why.
        """
        self._check_keytab()
        now = time.monotonic()
        if self._ticket is not None and now < self._ends_at:
            if now >= self._renew_at:
                self._renew()
            return self._ticket
        if self._refused is not None and now < self._refused_until:
            raise AwayError(str(self._refused))
        try:
            await asyncio.wait_for(asyncio.shield(self._renew()), _PATIENCE_S)
        except TimeoutError:
            raise AwayError(
                f"The platform got no Kerberos ticket for Apache Livy in {_PATIENCE_S:.0f} seconds: no KDC of its "
                "realm answers. If that lasts, tell the administrator."
            ) from None
        if self._ticket is None or self._refused is not None:
            raise AwayError(str(self._refused or "The platform's Kerberos ticket ended in this moment."))
        return self._ticket

    def distrust(self) -> None:
        """The ticket did not do: the next request gets another, unless this one is new."""
        if time.monotonic() - self._got > _RENEW_AGAIN_S:
            self._ends_at = 0.0

    def close(self) -> None:
        """Waits for nothing; the tickets are destroyed with the last request that uses them."""
        if self._renewal is not None:
            self._renewal.cancel()
        self._ticket = None

    def _renew(self) -> asyncio.Task[None]:
        """Gets another one; only one at a time is got."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renewed())
        return self._renewal

    async def _renewed(self) -> None:
        try:
            ticket = await _beside(self._get)
        except GssError as error:
            self._refused, now = no_ticket(error), time.monotonic()
            self._refused_until, self._renew_at = now + _AGAIN_S, now + _RENEW_AGAIN_S
        else:
            self._ticket, self._refused, self._got = ticket, None, time.monotonic()
            self._renew_at = self._got + ticket.lifetime_s / 2
            self._ends_at = self._got + ticket.lifetime_s * _USED

    def _check_keytab(self) -> None:
        try:
            changed = mark_of(self._keytab)
            if changed != self._seen:
                check_keytab(self._keytab)
                self._seen = changed
                self._renew_at = self._refused_until = 0.0
        except (OSError, ValueError) as error:
            raise unusable("keytab", error) from None


async def _beside(work: Callable[[], Result]) -> Result:
    """What ``work`` gives in a thread that the end of the process does not wait for, as it would for an executor's."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Result] = loop.create_future()

    def tell(result: Result | None, error: Exception | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(cast("Result", result))
        else:
            found.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - who waits for it gets it
            failure = error
        # Nobody waits any more where the loop is closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=run, name="kerberos-kdc", daemon=True).start()
    return await found


def check_keytab(path: Path) -> None:
    """Checks that a file is a keytab that nobody else may read.

    Raises:
        OSError: It can't be read.
        ValueError: It is none, or others may read it.
    """
    with open_private(path) as file:
        if file.read(2) not in _KEYTAB_BEGINS:
            raise ValueError("its file is no keytab")


def why_no_ticket(text: str) -> str:
    """Why there is no ticket and what helps, from what MIT's library says. Pure.

    Args:
        text: The library's words.
    """
    # Names of files tell nothing of what is wrong with them, and nobody else what this machine has.
    without_paths = _PATHS.sub("…", text)
    for pattern, cause in _CAUSES:
        if pattern.search(without_paths):
            return cause
    return sentence(without_paths).rstrip(".") or "the library for Kerberos does not say why"


def no_ticket(error: GssError) -> AwayError:
    """Says that there is none, and why; the library's own words go into the log."""
    LOG.warning("no Kerberos ticket for Apache Livy: %s", error)
    return AwayError(
        f"The platform has no Kerberos ticket for Apache Livy: {why_no_ticket(str(error))}. Tell the administrator."
    )
