"""What happened in a project, on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, Field


class ActivityAnswer(BaseModel):
    """Something that happened in a project."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    moment: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    kind: str = Field(examples=["member.add"])
    actor: str | None = Field(
        description="Whose doing it is; null for the platform's, an administrator's and another project's.",
        examples=["ada"],
    )
    text: str = Field(description="It, as a sentence.", examples=["ada added grace as Data Scientist."])
