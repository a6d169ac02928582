from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from hops_contract.network import Network
from hops_contract.principal import ProjectRole
from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.users.models import MAX_TITLE_LENGTH, User


class Template(StrEnum):
    """What a new project is filled with."""

    WELCOME = "welcome"
    EMPTY = "empty"


class Project(Base):
    """A sandbox of people, datasets and code."""

    __tablename__ = "projects"
    __table_args__ = (
        Index("ix_projects_listed_name", "listed", "name"),
        # Of the deleted ones alone: else SQLite looks for those that are not in it, which are nearly all.
        Index(
            "ix_projects_deleted_at",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH), unique=True)
    title: Mapped[str] = mapped_column(String(MAX_TITLE_LENGTH))
    description: Mapped[str] = mapped_column(Text, default="")
    # Whether everybody who is logged in finds it, with title, description and Data Owners, and may ask to join.
    listed: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What its code reaches of the network from sandboxes that start from now on, if the site leaves that to projects.
    network_name: Mapped[str] = mapped_column(
        "network", String(16), default=Network.PLATFORM.value, server_default=Network.PLATFORM.value
    )
    # From then on it is absent for everybody, and can be restored for a time.
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # From then on it is for reading, until that is taken back.
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # Names of services that are switched off; one that no longer is known counts for nothing.
    services_off: Mapped[list[str]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
    # Counts edits; it is the project's ETag.
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def network(self) -> Network:
        """The network, typed."""
        return Network(self.network_name)


class FormerMembership(Base):
    """A user's role in a deleted project: without a membership nobody sees it, and a restored one has its members."""

    __tablename__ = "former_memberships"
    __table_args__ = (Index("ix_former_memberships_user_id", "user_id"),)

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role_name: Mapped[str] = mapped_column("role", String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Membership(Base):
    """A user's role in a project."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index("ix_memberships_user_id_project_name_project_id_role", "user_id", "project_name", "project_id", "role"),
    )

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # The project's, which never changes: a page of somebody's projects by name is read from one index,
    # which has all that a list shows of a membership.
    project_name: Mapped[str] = mapped_column(String(MAX_SLUG_LENGTH), server_default=text("''"))
    # The names of ProjectRole are few and checked by the service; a database enum would need a migration for each.
    role_name: Mapped[str] = mapped_column("role", String(32))
    # Counts edits; it is the membership's ETag.
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    # Tokens of a project-user whose chain began earlier are refused; None refuses none.
    tokens_valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)

    @validates("project")
    def _name_project(self, _key: str, project: Project) -> Project:
        self.project_name = project.name
        return project

    @property
    def role(self) -> ProjectRole:
        """The role, typed."""
        return ProjectRole(self.role_name)
