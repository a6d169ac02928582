"""Uploads on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from hops_platform.files.schemas import PathField
from hops_platform.users.schemas import Strict

MOST_BYTES = 2**40
Sha256 = Annotated[
    str | None,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="Checked at the end; lower-case hexadecimal digits.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]


class NewUploadRequest(Strict):
    """A file to send."""

    path: PathField
    size: int = Field(ge=0, le=MOST_BYTES, description="Its bytes.", examples=[52311])
    sha256: Sha256 = None
    replace: bool = Field(default=False, description="Whether a file that is there is replaced.", examples=[False])


class UploadAnswer(BaseModel):
    """How far an upload is."""

    id: UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    dataset: str = Field(examples=["raw"])
    path: str = Field(examples=["2026/may.csv"])
    size: int = Field(examples=[52311])
    received: int = Field(description="Bytes that are here; what comes next begins there.", examples=[32768])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class Received(BaseModel):
    """How many bytes of an upload are here."""

    received: int = Field(examples=[52311])
