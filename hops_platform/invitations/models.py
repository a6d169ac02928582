from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hops_contract.principal import ProjectRole
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.mail.addresses import MAX_ADDRESS_LENGTH
from hops_platform.projects.models import Project
from hops_platform.users.models import User


class Kind(StrEnum):
    """Whom an invitation is for."""

    USER = "user"
    ADDRESS = "address"
    LINK = "link"
    """Whoever has its link."""


class Invitation(Base):
    """An invitation into a project that can be accepted still; the row goes when it can't."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index("ix_invitations_project_id", "project_id"),
        Index("ix_invitations_inviter_id", "inviter_id"),
        Index("ix_invitations_user_id", "user_id"),
        Index("ix_invitations_folded", "folded"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    inviter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind_name: Mapped[str] = mapped_column("kind", String(32))
    role_name: Mapped[str] = mapped_column("role", String(32))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), default=None)
    address: Mapped[str | None] = mapped_column(String(MAX_ADDRESS_LENGTH), default=None)
    folded: Mapped[str | None] = mapped_column(String(MAX_ADDRESS_LENGTH), default=None)
    uses_left: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
    inviter: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[inviter_id])
    user: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[user_id])

    @property
    def kind(self) -> Kind:
        """The kind, typed."""
        return Kind(self.kind_name)

    @property
    def role(self) -> ProjectRole:
        """The role, typed."""
        return ProjectRole(self.role_name)
