from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from hops_platform.database import Base, UtcDateTime, new_id, now

MAX_ACTOR = 64
MAX_THING = 200


class Activity(Base):
    """Something that happened in a project, for its members to read; gone after a while, unlike the audit's rows."""

    __tablename__ = "activities"
    __table_args__ = (Index("ix_activities_project_id_id", "project_id", "id"),)

    # Later ones are larger.
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    moment: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    kind: Mapped[str] = mapped_column(String(MAX_ACTOR))
    actor: Mapped[str] = mapped_column(String(MAX_ACTOR))
    thing: Mapped[str] = mapped_column(String(MAX_THING))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Whether another project did it, whose people are none of this one's business.
    elsewhere: Mapped[bool] = mapped_column(default=False, server_default=false())
