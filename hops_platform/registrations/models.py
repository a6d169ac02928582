from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.mail.addresses import MAX_ADDRESS_LENGTH
from hops_platform.users.models import MAX_TITLE_LENGTH


class Registration(Base):
    """An account that waits for an administrator's approval; the row goes when it is decided on."""

    __tablename__ = "registrations"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH), unique=True)
    title: Mapped[str] = mapped_column(String(MAX_TITLE_LENGTH), default="")
    password_hash: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text, default="")
    # Proven; only who came by a link that somebody handed over has none.
    address: Mapped[str | None] = mapped_column(String(MAX_ADDRESS_LENGTH), default=None)
    folded: Mapped[str | None] = mapped_column(String(MAX_ADDRESS_LENGTH), unique=True, default=None)
    invitation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("invitations.id", ondelete="SET NULL"), index=True, default=None
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
