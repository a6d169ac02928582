"""Datasets on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from hops_contract.slugs import DATASET_NAME_PATTERN
from hops_platform.engines.places import is_dataset_name
from hops_platform.sharing.models import ShareMode
from hops_platform.users.schemas import Strict

MAX_NAME_LENGTH = 64
MAX_ADDRESS_LENGTH = 110
"""Of ``Shared:<project>:<dataset>``."""


def _check_name(name: str) -> str:
    if not is_dataset_name(name):
        raise ValueError("A dataset's name has letters, digits, '_', '-' and '.', from a letter to a letter or digit.")
    return name


Description = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$", examples=["Measurements as they came."])]
# The pattern is only shown: in Python its `$` would also match before a line's end.
NewName = Annotated[
    str,
    Field(max_length=MAX_NAME_LENGTH, examples=["raw"], json_schema_extra={"pattern": DATASET_NAME_PATTERN}),
    AfterValidator(_check_name),
]


class NewDataset(Strict):
    """A dataset to create."""

    name: NewName
    description: Description = ""


class DatasetEdit(Strict):
    """What to change of a dataset; what is left out stays."""

    description: Description | None = None


class DatasetDeletion(Strict):
    """Says the name again, so that the wrong dataset is not deleted."""

    name: str = Field(max_length=MAX_NAME_LENGTH, examples=["raw"])


class SharedAnswer(BaseModel):
    """Whose a shared dataset is, and what may be done with it here."""

    project: str = Field(description="Who owns it.", examples=["weather"])
    dataset: str = Field(description="Its name there.", examples=["raw"])
    mode: ShareMode = Field(examples=["read"])
    download: bool = Field(description="Whether Data Owners here may download it and copy out of it.", examples=[False])


class DatasetAnswer(BaseModel):
    """A dataset of a project, or one that another project shares with it."""

    name: str = Field(
        description="A shared one is called Shared/project/dataset; in addresses write Shared:project:dataset.",
        examples=["Resources"],
    )
    description: str = Field(examples=["Measurements as they came."])
    standard: bool = Field(description="Every project has it; it can't be deleted.", examples=[True])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    version: int = Field(description="Counts the edits; also the ETag.", examples=[1])
    shared: SharedAnswer | None = Field(default=None, description="Null for one of the project's own.")


class SharedInList(TypedDict):
    """As :class:`SharedAnswer`, in what JSON has."""

    project: str
    dataset: str
    mode: str
    download: bool


class DatasetInList(TypedDict):
    """As :class:`DatasetAnswer`, in what JSON has: what a list of many is made of."""

    name: str
    description: str
    standard: bool
    created_at: str
    version: int
    shared: SharedInList | None


class DatasetDetail(DatasetAnswer):
    """A dataset with what its README.md says."""

    readme: str | None = Field(
        description="README.md of its top folder as it stands there, Markdown of whoever wrote it; null without one.",
        examples=["# Measurements\n\nOne row an hour."],
    )
    readme_cut: bool = Field(description="Whether it is longer than what is shown.", examples=[False])
