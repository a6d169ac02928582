from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hops_contract.streams import MAX_TOPIC_LENGTH
from hops_platform.database import Base, UtcDateTime, new_id, now
from hops_platform.users.models import User


class TopicState(StrEnum):
    """How far a topic is. Alphabetised."""

    CREATING = "creating"
    """It is made as soon as the cluster answers."""
    FAILED = "failed"
    """The cluster has none of this name of the platform's making, and will have none: the row says why."""
    READY = "ready"


class Topic(Base):
    """A topic of a project; on the cluster it is called ``project__name``."""

    __tablename__ = "topics"
    __table_args__ = (UniqueConstraint("project_id", "name"), Index("ix_topics_made_by_id", "made_by_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(MAX_TOPIC_LENGTH))
    partitions: Mapped[int] = mapped_column(Integer)
    replicas: Mapped[int] = mapped_column(Integer)
    state_name: Mapped[str] = mapped_column("state", String(32), default=TopicState.CREATING.value)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    # Whether the cluster had none of this name, and the platform has set about making it: whatever has the name there
    # from then on is the platform's, and what had it before never is.
    begun: Mapped[bool] = mapped_column(default=False, server_default=false())
    made_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    made_by: Mapped[User | None] = relationship(lazy="joined")

    @property
    def state(self) -> TopicState:
        """The state, typed."""
        return TopicState(self.state_name)
