"""What projects use of what they may use, on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field


class Counted(StrEnum):
    """What is counted for all of a project together. Alphabetised."""

    EXECUTORS = "executors"
    GPUS = "gpus"
    HOMES_BYTES = "homes_bytes"
    """A part of ``storage_bytes``, which bounds it."""
    MEMORY_MIB = "memory_mib"
    SERVERS = "servers"
    SESSIONS = "sessions"
    STORAGE_BYTES = "storage_bytes"
    TOPICS = "topics"


class UseAnswer(BaseModel):
    """How much a project uses of something."""

    what: Counted = Field(examples=["storage_bytes"])
    used: int | None = Field(
        description="Null where the part of the platform that knows it does not answer.", examples=[1_288_490_188]
    )
    limit: int | None = Field(description="The most; null for no limit.", examples=[10_737_418_240])


class ProjectUse(BaseModel):
    """What a project uses."""

    items: list[UseAnswer]
    storage_counted_at: datetime | None = Field(
        description="When all files were counted last; what came in by REST since then is in it.",
        examples=["2026-05-04T10:00:00Z"],
    )
