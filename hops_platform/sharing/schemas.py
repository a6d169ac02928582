"""Shares and published datasets on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.datasets.schemas import MAX_NAME_LENGTH
from hops_platform.sharing.models import ShareMode, ShareState
from hops_platform.users.schemas import Strict

ProjectField = Annotated[str, Field(min_length=1, max_length=MAX_SLUG_LENGTH, examples=["tides"])]
DatasetField = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, examples=["raw"])]
ModeField = Annotated[ShareMode, Field(description="What the other project may do with it.", examples=["read"])]
DownloadField = Annotated[
    bool,
    Field(description="Whether Data Owners of the other project may download it and copy out of it.", examples=[False]),
]


class NewShare(Strict):
    """With which project to share a dataset, and how."""

    project: ProjectField
    mode: ModeField = ShareMode.READ
    download: DownloadField = False


class ShareEdit(Strict):
    """What to change of a share; what is left out stays."""

    mode: ModeField | None = None
    download: DownloadField | None = None


class ShareAnswer(BaseModel):
    """Who has a dataset: a project, and none of its people."""

    project: str = Field(examples=["tides"])
    title: str = Field(examples=["Tides of the coast"])
    state: ShareState = Field(examples=["accepted"])
    mode: ShareMode = Field(examples=["read"])
    download: bool = Field(examples=[False])
    self_service: bool = Field(description="The project added it by itself, since it was published.", examples=[False])
    resting: bool = Field(
        description="The project is deleted: nobody there sees the dataset, unless the project is restored.",
        examples=[False],
    )
    members: int | None = Field(
        description="How many people that are; null before it is accepted, and while it rests.", examples=[4]
    )
    since: datetime | None = Field(
        description="When it was accepted; null before that.", examples=["2026-05-04T10:00:00Z"]
    )
    created_at: datetime = Field(examples=["2026-05-04T09:00:00Z"])
    version: int = Field(description="Counts the edits; also the ETag.", examples=[1])


class ReceivedShare(BaseModel):
    """A dataset of another project that is offered to this one, asked for, or shared with it."""

    project: str = Field(description="Who owns it.", examples=["weather"])
    title: str = Field(description="The title of that project.", examples=["Weather of the coast"])
    dataset: str = Field(examples=["raw"])
    description: str = Field(examples=["Measurements as they came."])
    path: str = Field(
        description="Where it stands in this project, once it is accepted.", examples=["Shared/weather/raw"]
    )
    state: ShareState = Field(examples=["accepted"])
    mode: ShareMode = Field(examples=["read"])
    download: bool = Field(examples=[False])
    since: datetime | None = Field(
        description="When it was accepted. Notebook servers and sessions that were started before do not show it.",
        examples=["2026-05-04T10:00:00Z"],
    )
    created_at: datetime = Field(examples=["2026-05-04T09:00:00Z"])


class Wish(Strict):
    """A published dataset that a project wants."""

    project: ProjectField
    dataset: DatasetField
    mode: ModeField = ShareMode.READ


class Target(BaseModel):
    """A project with which a dataset can be shared."""

    name: str = Field(examples=["tides"])
    title: str = Field(examples=["Tides of the coast"])


class UsersOfIt(StrEnum):
    """What becomes of those who use a published dataset."""

    STAY = "stay"
    GO = "go"


class Withdrawal(Strict):
    """What becomes of the projects that have added the dataset by themselves."""

    users: UsersOfIt = Field(examples=["stay"])


class PublishedDataset(BaseModel):
    """A dataset that everybody here finds."""

    project: str = Field(examples=["weather"])
    title: str = Field(description="The title of that project.", examples=["Weather of the coast"])
    dataset: str = Field(examples=["raw"])
    description: str = Field(examples=["Measurements as they came."])
    owners: list[str] = Field(description="User names of the project's Data Owners.", examples=[["ada"]])
    published_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    yours: list[str] = Field(description="The caller's projects that own it or have it already.", examples=[["tides"]])
