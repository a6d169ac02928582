"""Finding projects and asking to join them, on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from hops_contract.principal import ProjectRole
from hops_platform.users.schemas import Strict

MAX_MESSAGE_LENGTH = 500
Message = Annotated[
    str, Field(max_length=MAX_MESSAGE_LENGTH, pattern=r"^[^\x00]*$", examples=["I would like to look at the tides."])
]


class Standing(StrEnum):
    """Where the caller stands towards a project."""

    NONE = "none"
    ASKED = "asked"
    DECLINED = "declined"
    MEMBER = "member"


class ListedProject(BaseModel):
    """A project that everybody here may find; nothing of what is in it."""

    name: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    description: str = Field(examples=["Ten years of hourly measurements."])
    owners: list[str] = Field(description="User names of its Data Owners.", examples=[["ada"]])
    standing: Standing = Field(examples=["none"])


class NewJoinRequest(Strict):
    """A request to become a member."""

    message: Message = ""


class JoinRequestAnswer(BaseModel):
    """Somebody who asks to join, as Data Owners see it."""

    user: str = Field(examples=["grace"])
    title: str = Field(examples=["Grace Hopper"])
    message: str = Field(examples=["I would like to look at the tides."])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class Acceptance(Strict):
    """With which role."""

    role: ProjectRole = Field(default=ProjectRole.DATA_SCIENTIST, examples=["data_scientist"])
