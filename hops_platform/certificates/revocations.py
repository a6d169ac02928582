"""The revocation lists: signed when what they say has changed, not for each of those who ask."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hops_platform.certificates.authorities import authorities, opened
from hops_platform.certificates.building import LIST_LIFETIME, Revocation, make_revocation_list
from hops_platform.certificates.models import AuthorityRow, Certificate, Level
from hops_platform.database import now
from hops_platform.security.sealing import Sealer

SIGNED_ANEW_AFTER = LIST_LIFETIME / 2
"""Whoever fetches a list can use it for as long again."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a list says, told apart from what another one would say without reading it all.

    A revocation is never taken back, and rows are deleted long after they have left the list: so whatever changes,
    one of these does.
    """

    authority: uuid.UUID
    revoked: int
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class _Kept:
    state: _State
    signed_at: datetime
    signed: x509.CertificateRevocationList


class RevocationLists:
    """The lists as they were signed last. Anybody may ask for them, as often as they like. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[uuid.UUID, _Kept] = {}

    def current(self, session: Session, sealer: Sealer) -> list[x509.CertificateRevocationList]:
        """The list of each intermediate authority that has not ended, the one that signs now first."""
        rows = authorities(session, Level.INTERMEDIATE)
        with self._lock:
            kept = {row.id: self._list_of(session, row, sealer) for row in rows}
            self._kept = kept
        return [kept[row.id].signed for row in rows]

    def _list_of(self, session: Session, row: AuthorityRow, sealer: Sealer) -> _Kept:
        moment = now()
        state = _state(session, row, moment)
        before = self._kept.get(row.id)
        if before is not None and before.state == state and moment < before.signed_at + SIGNED_ANEW_AFTER:
            return before
        # Seconds: two lists of the same second hold the same, or the later holds more and is read as well.
        number = int(moment.timestamp())
        authority = opened(row, sealer).signed
        signed = make_revocation_list(authority, _revocations(session, row, moment), moment, number=number)
        return _Kept(state, moment, signed)


def _state(session: Session, row: AuthorityRow, moment: datetime) -> _State:
    listed = _listed(row, moment).with_only_columns(func.count(), func.max(Certificate.revoked_at))
    revoked, latest = session.execute(listed.order_by(None)).one()
    return _State(row.id, revoked, latest)


def _revocations(session: Session, row: AuthorityRow, moment: datetime) -> Iterable[Revocation]:
    return [
        Revocation(serial=int(one.serial, 16), at=one.revoked_at, reason=one.reason)
        for one in session.scalars(_listed(row, moment))
        if one.revoked_at is not None and one.reason is not None
    ]


def _listed(row: AuthorityRow, moment: datetime) -> Select[Certificate]:
    return (
        select(Certificate)
        .where(
            Certificate.authority_id == row.id,
            Certificate.revoked_at.is_not(None),
            # One that has ended needs no revocation any more.
            Certificate.not_after > moment,
        )
        .order_by(Certificate.revoked_at)
    )
