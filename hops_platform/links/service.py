"""Links that are good once.

Laws:

1. A token is 256 random bits; its SHA-256 is all that is stored. It is good for one purpose, for a time, and, where it
   was sent to an address, proves that address.
2. In a link it stands in the fragment, which browsers send to no server: neither logs nor ``Referer`` have it. The page
   takes it out of the address and sends it in a body.
3. One that was made up, has ended, was used or is for something else gets one and the same answer.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.errors import NotFoundError
from hops_platform.links.models import OneTimeLink, Purpose

_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link that is good says.

    Attributes:
        subject: Key of the row that it is about.
        address: The address that it was sent to; empty for one that people hand over.
    """

    subject: str
    address: str


def make_link(session: Session, purpose: Purpose, *, subject: str, lifetime: timedelta, address: str = "") -> str:
    """A new link's token; it stands nowhere but in what the caller does with it."""
    moment = now()
    session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at <= moment))
    token = secrets.token_urlsafe(_RANDOM_BYTES)
    session.add(
        OneTimeLink(
            digest=_digest_of(token),
            purpose=purpose.value,
            subject=subject,
            address=address,
            created_at=moment,
            expires_at=moment + lifetime,
        )
    )
    session.flush()
    return token


def open_link(session: Session, purpose: Purpose, token: str) -> Opened:
    """What a link says, which stays good.

    Raises:
        NotFoundError: It is not good.
    """
    row = session.scalar(select(OneTimeLink).where(_good(purpose, token)))
    if row is None:
        raise _ended()
    return Opened(row.subject, row.address)


def use_link(session: Session, purpose: Purpose, token: str) -> Opened:
    """What a link says, which is no longer good: of two who use it at the same moment one is let in.

    Raises:
        NotFoundError: It is not good.
    """
    used = session.execute(
        delete(OneTimeLink).where(_good(purpose, token)).returning(OneTimeLink.subject, OneTimeLink.address)
    ).first()
    if used is None:
        raise _ended()
    return Opened(used.subject, used.address)


def end_links(session: Session, purpose: Purpose, subject: str) -> None:
    """Ends all links of one purpose that are about one row."""
    session.execute(delete(OneTimeLink).where(OneTimeLink.purpose == purpose.value, OneTimeLink.subject == subject))


def address_of_link(site: str, page: str, token: str) -> str:
    """The link itself.

    Args:
        site: Address of the control plane's pages; ends with ``/``.
        page: The page that takes it.
        token: What :func:`make_link` gave.
    """
    return f"{site}{page}#{token}"


def _good(purpose: Purpose, token: str) -> ColumnElement[bool]:
    return and_(
        OneTimeLink.digest == _digest_of(token),
        OneTimeLink.purpose == purpose.value,
        OneTimeLink.expires_at > now(),
    )


def _digest_of(token: str) -> str:
    # As with API keys (hops_platform.api_keys.proofs): nobody tries 256 random bits.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _ended() -> NotFoundError:
    return NotFoundError(
        "This link is not good, or no longer.", remedy="It is good once and for a time. Ask for another one."
    )
