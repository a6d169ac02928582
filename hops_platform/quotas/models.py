from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from hops_platform.database import Base, UtcDateTime, new_id, now

THE_SITE = 1
"""Key of the one row of the site's own limits."""


class ProjectLimits(Base):
    """The most that a project, and a server of it, may ask for; without a row the site's defaults hold."""

    __tablename__ = "project_limits"

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Counts edits; it is the limits' ETag. Limits that nobody ever set have the version 0.
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


class SiteLimits(Base):
    """The limits of projects that have none of their own; without a row those that the platform comes with."""

    __tablename__ = "site_limits"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, default=THE_SITE)
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    # As above.
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


class StorageUse(Base):
    """How many bytes the files of a project have, as far as it is known."""

    __tablename__ = "storage_use"

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    # When they were counted last, what they were then, and how long that took.
    counted_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    counted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)
    # The part of these that lies in the homes of its members.
    homes_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    took_s: Mapped[float] = mapped_column(Float, default=0.0)
    # What has been let in, less what was given back, since that count began.
    added_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    # Since when there is no room left, so that the project is told once.
    full_since: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    # What was in use when that was found: from there on notebooks may grow a little.
    full_bytes: Mapped[int | None] = mapped_column(BigInteger, default=None)

    @property
    def used(self) -> int:
        """Bytes in use."""
        return max(0, self.counted_bytes + self.added_bytes)


class StorageHold(Base):
    """Room in a project that a copy, or what is made of an archive, has taken while it is made."""

    __tablename__ = "storage_holds"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    # Who makes it moves this on. What a killed process held is free from then on.
    until: Mapped[datetime] = mapped_column(UtcDateTime)
