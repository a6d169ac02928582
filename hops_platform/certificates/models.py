from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.database import Base, UtcDateTime, new_id, now

MAX_NAME_LENGTH = 64
"""Of a common name, by X.509."""


class Level(StrEnum):
    """Where an authority stands in the chain."""

    ROOT = "root"
    INTERMEDIATE = "intermediate"


class Kind(StrEnum):
    """Whose a certificate is."""

    PROJECT_USER = "project_user"
    SERVICE = "service"
    OUTSIDE = "outside"
    """Somebody's who made the key elsewhere and sent a request to be signed."""


class Reason(StrEnum):
    """Why a certificate was revoked; the words of RFC 5280."""

    CESSATION_OF_OPERATION = "cessation_of_operation"
    """Its holder is no longer a member."""
    KEY_COMPROMISE = "key_compromise"
    """Somebody else may have its key."""
    SUPERSEDED = "superseded"
    """Its holder has asked for another."""


class AuthorityRow(Base):
    """An authority of the platform; the newest of each level signs."""

    __tablename__ = "certificate_authorities"
    __table_args__ = (UniqueConstraint("level", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    level_name: Mapped[str] = mapped_column("level", String(16))
    # Counts the authorities of a level, so that two processes can't both make the first.
    number: Mapped[int]
    certificate: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    not_after: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Certificate(Base):
    """A certificate that an authority has made.

    Names stand in it as texts: it outlives user, project and membership, as a revocation must.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        Index("ix_certificates_name_not_after", "name", "not_after"),
        Index("ix_certificates_project_name", "project_name"),
        Index("ix_certificates_revoked_at", "revoked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    authority_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("certificate_authorities.id"))
    serial: Mapped[str] = mapped_column(String(40), unique=True)
    kind_name: Mapped[str] = mapped_column("kind", String(16))
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH))
    project_name: Mapped[str | None] = mapped_column(String(MAX_SLUG_LENGTH), default=None)
    user_name: Mapped[str | None] = mapped_column(String(MAX_SLUG_LENGTH), default=None)
    certificate: Mapped[str] = mapped_column(Text)
    # None where the key was made elsewhere.
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    not_after: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    reason_name: Mapped[str | None] = mapped_column("reason", String(32), default=None)

    @property
    def kind(self) -> Kind:
        """The kind, typed."""
        return Kind(self.kind_name)

    @property
    def reason(self) -> Reason | None:
        """The reason of the revocation, typed; ``None`` while it is good."""
        return Reason(self.reason_name) if self.reason_name else None
