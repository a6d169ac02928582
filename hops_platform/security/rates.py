"""How often something may be asked for by people whom nobody knows: persisted, the same for names that exist or not."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, String, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from hops_contract.loopback import is_loopback
from hops_platform.database import Base, Database, UtcDateTime, now
from hops_platform.errors import NotFoundError, TooOftenError, WrongCredentialsError

_LONGEST = timedelta(days=1)
_IPV6_NETWORK = 64


class Rate(Base):
    """How often something was asked for since a moment."""

    __tablename__ = "rates"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0)
    since: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


@dataclass(frozen=True, slots=True)
class Bound:
    """So often in so long a time.

    Attributes:
        what: What is bounded.
        most: How often.
        per: In which time; at most a day.
    """

    what: str
    most: int
    per: timedelta


GUESSES = Bound("guess of a link", 20, timedelta(hours=1))
"""Links that are not good, from one client. Nobody finds 256 bits; this keeps logs short."""


FAILED_LOG_INS = Bound("failed log-in", 60, timedelta(minutes=10))
"""With wrong passwords, from one client, whatever the names: a few passwords are tried on many names else. Many people
may come from one address, so it is far more than one person fails, and what succeeds does not count."""


def client_of(source: str) -> str:
    """Who is bounded by an address: one of IPv4, and a network of IPv6, of which everybody has as many as they like."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if address.version == 4 or address.is_loopback:  # noqa: PLR2004
        return str(address)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))


def count_against(database: Database, bound: Bound, who: str) -> None:
    """Counts one more, in a transaction of its own: it counts whatever comes of the request.

    Raises:
        TooOftenError: It was asked for too often; says when to try again.
    """
    try:
        with database.session() as session:
            _count(session, bound, who)
    except IntegrityError:
        # One beside this was the first, and its row is there now.
        with database.session() as session:
            _count(session, bound, who)


def check_against(database: Database, bound: Bound, who: str) -> None:
    """Checks without counting.

    Raises:
        TooOftenError: It was asked for too often; says when to try again.
    """
    with database.session(writes=False) as session:
        row, moment = session.get(Rate, _key(bound, who)), now()
        if row is not None and row.count >= bound.most and moment < row.since + bound.per:
            raise _too_often(row.since + bound.per - moment)


@contextmanager
def guesses_counted(session: Session, database: Database, client: str) -> Iterator[None]:
    """Lets one try a link, and counts it against the client if it is not good.

    Looks and counts by itself, so what ``session`` did before is committed, and what it did in it undone in that case.

    Raises:
        TooOftenError: Too many of this client's were not good.
    """
    session.commit()
    bounded = not is_loopback(client)  # see failures_counted
    if bounded:
        check_against(database, GUESSES, client)
    try:
        yield
    except NotFoundError:
        session.rollback()
        if bounded:
            count_against(database, GUESSES, client)
        raise


@contextmanager
def failures_counted(database: Database, client: str) -> Iterator[None]:
    """Lets one try a name and a password, and counts it against the client if they are wrong.

    From this machine come tunnels, a proxy that nobody named, and code in sandboxes alike. A bound there would let any
    member keep everybody out, and each name is locked by itself all the same.

    Raises:
        TooOftenError: Too many of this client's were wrong; also of those that are tried at the same moment.
    """
    if is_loopback(client):
        yield
        return
    check_against(database, FAILED_LOG_INS, client)
    try:
        yield
    except WrongCredentialsError:
        count_against(database, FAILED_LOG_INS, client)
        raise


def _count(session: Session, bound: Bound, who: str) -> None:
    moment = now()
    session.execute(delete(Rate).where(Rate.since < moment - _LONGEST))
    row = session.get(Rate, _key(bound, who), with_for_update=True)
    if row is None:
        row = Rate(key=_key(bound, who), count=0, since=moment)
        session.add(row)
    elif moment >= row.since + bound.per:
        row.count, row.since = 0, moment
    if row.count >= bound.most:
        raise _too_often(row.since + bound.per - moment)
    row.count += 1


def _key(bound: Bound, who: str) -> str:
    # Hashed, so that what strangers typed stands nowhere.
    return hashlib.sha256(f"{bound.what}\n{who}".encode("utf-8", "surrogatepass")).hexdigest()


def _too_often(wait: timedelta) -> TooOftenError:
    wait_s = max(1, math.ceil(wait.total_seconds()))
    minutes = math.ceil(wait_s / 60)
    return TooOftenError(
        "This was asked for too often.",
        remedy=f"Try again in {minutes} minute{'' if minutes == 1 else 's'}.",
        retry_after_s=wait_s,
    )
