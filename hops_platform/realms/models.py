from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hops_contract.realms import MAX_USERNAME_LENGTH
from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.engines.realms import MAX_SUBJECT_LENGTH
from hops_platform.users.models import MAX_TITLE_LENGTH, User

MAX_EMAIL_LENGTH = 320
NO_PASSWORD = ""
"""In the place of the hash of one: nothing is the password of a realm's user here."""
BY_TOKEN = ""
"""See :attr:`RealmAccount.proven_in`."""


class RealmAccount(Base):
    """Somebody of a realm, and the user that they are here: always the same one."""

    __tablename__ = "realm_accounts"
    __table_args__ = (UniqueConstraint("realm", "subject"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    realm: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH))
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT_LENGTH))
    # None while an administrator has not said who they are here.
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    # What the realm said last; nothing is decided by it.
    username: Mapped[str] = mapped_column(String(MAX_USERNAME_LENGTH), default="")
    email: Mapped[str] = mapped_column(String(MAX_EMAIL_LENGTH), default="")
    title: Mapped[str] = mapped_column(String(MAX_TITLE_LENGTH), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    # When they proved last who they are.
    proven_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    # In which session: a browser's at the Hub by its mark, empty for the token whose chain began at that moment. None:
    # in none, since the realm asked them nothing.
    proven_in: Mapped[str | None] = mapped_column(String(64), default=None)
    # Since when the user is deactivated because the realm does not know them any more.
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


def account_of(session: Session, user: User) -> RealmAccount | None:
    """Of which realm ``user`` is; ``None`` for one with a password of the platform's own."""
    return session.scalar(select(RealmAccount).where(RealmAccount.user_id == user.id))
