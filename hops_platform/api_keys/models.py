from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.projects.models import Project
from hops_platform.users.models import User

SHOWN_LENGTH = 13
"""Of a key, ``hops_`` and eight characters: enough to tell it by, and 208 random bits are left."""


class ApiKey(Base):
    """A key of a user; a revoked one has no row any more."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH))
    shown: Mapped[str] = mapped_column(String(SHOWN_LENGTH))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scope_names: Mapped[list[str]] = mapped_column("scopes", JSON)
    # Only for a key of one project.
    project_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), default=None, index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    project: Mapped[Project | None] = relationship(lazy="joined")
