from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hops_platform.database import Base, UtcDateTime, now
from hops_platform.projects.models import Project
from hops_platform.users.models import User


class JoinRequest(Base):
    """Somebody who asks to become a member; the row goes when they do, or take it back."""

    __tablename__ = "join_requests"
    __table_args__ = (Index("ix_join_requests_user_id", "user_id"),)

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    message: Mapped[str] = mapped_column(Text, default="")
    # Kept for a while, so that who asked sees it, and does not ask every day.
    declined_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
