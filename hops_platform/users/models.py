from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Integer, String, Text, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hops_contract.slugs import MAX_SLUG_LENGTH, is_slug
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.errors import NotFoundError

MAX_TITLE_LENGTH = 200


class User(Base):
    """A person who can log in."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH), unique=True)
    title: Mapped[str] = mapped_column(String(MAX_TITLE_LENGTH), default="")
    password_hash: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    admin: Mapped[bool] = mapped_column(default=False)
    # May read the audit of the whole site.
    auditor: Mapped[bool] = mapped_column(default=False, server_default=false())
    must_change_password: Mapped[bool] = mapped_column(default=False)
    # Tokens of users and project-users whose chain began before this moment are refused: it moves with the password.
    tokens_valid_from: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    # API keys of before are refused. None: where tokens are; it differs after a password was forgotten.
    keys_valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LoginAttempts(Base):
    """Failed log-ins with one name, whether or not a user has it."""

    __tablename__ = "login_attempts"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    last_failed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


def find_user(session: Session, name: str) -> User:
    """The user called ``name``.

    Raises:
        NotFoundError: There is none.
    """
    # What is no name at all is not asked for: PostgreSQL refuses some texts with errors of its own.
    user = session.scalar(select(User).where(User.name == name)) if is_slug(name) else None
    if user is None:
        raise NotFoundError(f"There is no user {name!r}.")
    return user
