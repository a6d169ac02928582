from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.mail.addresses import MAX_ADDRESS_LENGTH


class Purpose(StrEnum):
    """What a link is good for, and for nothing else."""

    ADDRESS = "address"
    INVITATION = "invitation"
    PASSWORD_RESET = "password-reset"  # noqa: S105
    REGISTRATION = "registration"


class OneTimeLink(Base):
    """A link that was given out and not used; what opens it stands nowhere."""

    __tablename__ = "one_time_links"
    __table_args__ = (Index("ix_one_time_links_purpose_subject", "purpose", "subject"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(32))
    # Key of the row that it is about; empty where there is none yet.
    subject: Mapped[str] = mapped_column(String(64), default="")
    # The address that it was sent to; empty for one that people hand over.
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS_LENGTH), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
