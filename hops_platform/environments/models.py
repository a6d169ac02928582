from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hops_platform.database import Base, UtcDateTime, now


class EnvironmentState(StrEnum):
    """How far a project's environment is."""

    CREATING = "creating"
    READY = "ready"
    FAILED = "failed"


class Environment(Base):
    """The Python environment in which a project's code runs."""

    __tablename__ = "environments"
    # A list of projects looks for each one's: SQLite finds it at its key, not by way of a number beside the key.
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy has it

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    state_name: Mapped[str] = mapped_column("state", String(16), default=EnvironmentState.CREATING.value)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    @property
    def state(self) -> EnvironmentState:
        """The state, typed."""
        return EnvironmentState(self.state_name)
