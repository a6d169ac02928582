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

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    state_name: Mapped[str] = mapped_column("state", String(16), default=EnvironmentState.CREATING.value)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)

    @property
    def state(self) -> EnvironmentState:
        """The state, typed."""
        return EnvironmentState(self.state_name)
