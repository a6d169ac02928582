from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hops_platform.database import Base, UtcDateTime, now
from hops_platform.mail.addresses import MAX_ADDRESS_LENGTH
from hops_platform.users.models import User


class UserAddress(Base):
    """A user's mail address, which was proven to be theirs."""

    __tablename__ = "user_addresses"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS_LENGTH))
    # By which it is found; one mailbox is one person's.
    folded: Mapped[str] = mapped_column(String(MAX_ADDRESS_LENGTH), unique=True)
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
