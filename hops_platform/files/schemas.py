"""Files and the trash on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from hops_platform.datasets.schemas import MAX_ADDRESS_LENGTH
from hops_platform.engines.files import EntryKind
from hops_platform.engines.places import MAX_PATH_BYTES
from hops_platform.users.schemas import Strict

PathField = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_PATH_BYTES,
        description="Relative to the dataset, parts separated by '/'.",
        examples=["2026/may.csv"],
    ),
]
OtherDataset = Annotated[
    str | None, Field(max_length=MAX_ADDRESS_LENGTH, description="Default: the same.", examples=["Resources"])
]


class EntryAnswer(BaseModel):
    """What lies somewhere."""

    name: str = Field(examples=["may.csv"])
    kind: EntryKind = Field(examples=["file"])
    size: int | None = Field(description="Bytes of a file; null for everything else.", examples=[52311])
    modified: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class NewFolder(Strict):
    """A folder to make in one that is there."""

    path: PathField


class Move(Strict):
    """What to move or to copy, and the whole path that it has after that."""

    path: PathField
    to: PathField
    to_dataset: OtherDataset = None


class CopyAnswer(BaseModel):
    """What was copied."""

    entries: int = Field(description="Files and folders.", examples=[12])
    size: int = Field(description="Bytes.", examples=[52311])
    left_out: int = Field(description="Links and pipes, which are not copied.", examples=[0])


class Deletion(Strict):
    """What to move to the trash."""

    path: PathField


class TrashItemAnswer(BaseModel):
    """Something in the trash."""

    id: UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    dataset: str = Field(examples=["raw"])
    path: str = Field(description="Where it was; empty for a whole dataset.", examples=["2026/may.csv"])
    kind: EntryKind = Field(examples=["file"])
    deleted_by: str = Field(examples=["ada"])
    deleted_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class Restoration(Strict):
    """Where to put it; default: where it was."""

    to: Annotated[str | None, Field(max_length=MAX_PATH_BYTES, examples=["2026/may-again.csv"])] = None
    to_dataset: OtherDataset = None


class RestoredAnswer(BaseModel):
    """Where it is now."""

    dataset: str = Field(examples=["raw"])
    path: str = Field(examples=["2026/may.csv"])


class Emptying(Strict):
    """Says the project's name, since this can't be undone."""

    project: str = Field(max_length=64, examples=["weather"])


class TicketRequest(Strict):
    """The file that a browser wants to download."""

    path: PathField


class TicketAnswer(BaseModel):
    """What a form of the pages sends to download the file, once."""

    ticket: str = Field(examples=["b0a7c1d5"])
    lifetime_s: float = Field(description="How long it is good.", examples=[60.0])


class CopiesAnswer(BaseModel):
    """How far the copies and slow moves of a project are."""

    under_way: int = Field(description="Of the project, whoever asked for them.", examples=[2])
    at_once: int = Field(description="The most of a project at the same moment.", examples=[2])
    waiting: int = Field(description="Of the project; they have their turn in the order of asking.", examples=[3])
    own_waiting: int = Field(description="The caller's among these.", examples=[1])
    before: int | None = Field(
        description="How many of the project have their turn before the caller's first; null if none of theirs waits.",
        examples=[2],
    )
