"""The platform's authorities as they stand in the database: made when first needed, replaced before they end."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hops_platform.certificates.building import Signed, load_signed, make_intermediate, make_root, pem
from hops_platform.certificates.models import AuthorityRow, Level
from hops_platform.database import new_id, now
from hops_platform.security.sealing import Sealer

REPLACED_BEFORE_END = timedelta(days=2 * 365)
"""Longer than whatever it signs: a leaf never ends with its authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority that signs.

    Attributes:
        id: Of its row.
        signed: Its certificate and key.
    """

    id: uuid.UUID
    signed: Signed


def signing_authority(session: Session, sealer: Sealer) -> Authority:
    """The intermediate authority that signs now; it and its root are made when there is none that lasts.

    Raises:
        SealingError: The key of the platform's home is not the one with which they were sealed.
    """
    moment = now()
    row = _newest(session, Level.INTERMEDIATE, moment)
    if row is not None:
        return opened(row, sealer)
    root_row = _newest(session, Level.ROOT, moment)
    root = opened(root_row, sealer).signed if root_row is not None else None
    if root is None:
        root = make_root(moment)
        _keep(session, Level.ROOT, root, sealer)
    intermediate = make_intermediate(root, moment)
    return Authority(id=_keep(session, Level.INTERMEDIATE, intermediate, sealer), signed=intermediate)


def opened(row: AuthorityRow, sealer: Sealer) -> Authority:
    """An authority with its key.

    Raises:
        SealingError: The key of the platform's home is not the one with which it was sealed.
    """
    key = sealer.open(row.sealed_key, purpose=_purpose(row.id))
    return Authority(id=row.id, signed=load_signed(row.certificate, key))


def authorities(session: Session, level: Level) -> Sequence[AuthorityRow]:
    """The authorities of a level that have not ended, newest first."""
    return session.scalars(
        select(AuthorityRow)
        .where(AuthorityRow.level_name == level.value, AuthorityRow.not_after > now())
        .order_by(AuthorityRow.number.desc())
    ).all()


def certificates_of(session: Session, level: Level) -> list[x509.Certificate]:
    """Their certificates."""
    return [x509.load_pem_x509_certificate(row.certificate.encode()) for row in authorities(session, level)]


def _newest(session: Session, level: Level, moment: datetime) -> AuthorityRow | None:
    row = next(iter(authorities(session, level)), None)
    return row if row is not None and row.not_after > moment + REPLACED_BEFORE_END else None


def _keep(session: Session, level: Level, signed: Signed, sealer: Sealer) -> uuid.UUID:
    identifier = new_id()
    last = session.scalar(select(func.max(AuthorityRow.number)).where(AuthorityRow.level_name == level.value))
    session.add(
        AuthorityRow(
            id=identifier,
            level_name=level.value,
            number=(last or 0) + 1,
            certificate=pem(signed.certificate),
            sealed_key=sealer.seal(signed.key_pem, purpose=_purpose(identifier)),
            not_after=signed.certificate.not_valid_after_utc,
        )
    )
    session.flush()
    return identifier


def _purpose(identifier: uuid.UUID) -> str:
    return f"authority {identifier}"
