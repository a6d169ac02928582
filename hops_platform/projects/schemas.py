"""Projects and their members on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from hops_contract.network import Network
from hops_contract.principal import ProjectRole
from hops_platform.environments.models import EnvironmentState
from hops_platform.projects.models import Template
from hops_platform.security.services import Service
from hops_platform.users.schemas import Slug, Strict, Title

Description = Annotated[
    str, Field(max_length=4000, pattern=r"^[^\x00]*$", examples=["Ten years of hourly measurements."])
]
ProjectTitle = Annotated[Title, Field(examples=["Weather of the coast"])]


class NewProject(Strict):
    """A project to create; who creates it is its first Data Owner."""

    name: Annotated[Slug, Field(examples=["weather"])]
    title: ProjectTitle = ""
    description: Description = ""
    template: Template = Field(default=Template.WELCOME, description="What it is filled with.")


class ProjectEdit(Strict):
    """What to change of a project; what is left out stays."""

    title: ProjectTitle | None = None
    description: Description | None = None
    listed: bool | None = Field(
        default=None, description="Whether everybody here finds it and may ask to join.", examples=[True]
    )
    network: Network | None = Field(
        default=None,
        description="What code of the project reaches of the network, from the next start of a server or session on: "
        "the platform's services (platform), or all that the machine reaches (open).",
        examples=["platform"],
    )


class ProjectDeletion(Strict):
    """Says the name again, so that the wrong project is not deleted."""

    name: str = Field(max_length=64, examples=["weather"])


class ProjectArchiving(Strict):
    """Says the name again, so that the wrong project is not archived."""

    name: str = Field(max_length=64, examples=["weather"])


class ProjectServices(Strict):
    """The services that are switched on from now on."""

    services: list[Service] = Field(max_length=len(Service), examples=[["jupyter", "sharing"]])


class DeletedProject(BaseModel):
    """A deleted project that can be restored still."""

    name: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    deleted_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    kept_until: datetime = Field(description="Then it is deleted for good.", examples=["2026-05-11T10:00:00Z"])


class Candidate(BaseModel):
    """A user who could become a member."""

    name: str = Field(examples=["grace"])
    title: str = Field(examples=["Grace Hopper"])


class EnvironmentAnswer(BaseModel):
    """How far the project's environment is."""

    state: EnvironmentState = Field(examples=["ready"])
    error: str | None = Field(default=None, examples=[None])


class ProjectAnswer(BaseModel):
    """A project as its members see it."""

    name: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    description: str = Field(examples=["Ten years of hourly measurements."])
    listed: bool = Field(description="Whether everybody here finds it and may ask to join.", examples=[False])
    network: Network = Field(
        default=Network.PLATFORM,
        description="What its code reaches of the network from sandboxes, where the site leaves that to projects.",
        examples=["platform"],
    )
    role: ProjectRole | None = Field(description="My role; null for an administrator who is not a member.")
    environment: EnvironmentAnswer
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    archived_at: datetime | None = Field(
        default=None, description="Since when it is archived, for reading only; null if it is not.", examples=[None]
    )
    services: list[Service] = Field(
        default_factory=lambda: list(Service),
        description="Those that are switched on.",
        examples=[["jupyter", "kafka", "sharing", "spark"]],
    )
    version: int = Field(description="Counts the edits; also the ETag.", examples=[1])


class EnvironmentInList(TypedDict):
    """As :class:`EnvironmentAnswer`, in what JSON has."""

    state: str
    error: str | None


class ProjectInList(TypedDict):
    """As :class:`ProjectAnswer`, in what JSON has: what a list of many is made of."""

    name: str
    title: str
    description: str
    listed: bool
    network: str
    role: str
    environment: EnvironmentInList
    created_at: str
    archived_at: str | None
    services: list[str]
    version: int


class NewMember(Strict):
    """A user to add."""

    user: Slug
    role: ProjectRole = Field(default=ProjectRole.DATA_SCIENTIST, examples=["data_scientist"])


class MemberEdit(Strict):
    """A member's other role."""

    role: ProjectRole = Field(examples=["data_owner"])


class MemberAnswer(BaseModel):
    """A member of a project."""

    user: str = Field(examples=["ada"])
    title: str = Field(examples=["Ada Lovelace"])
    role: ProjectRole = Field(examples=["data_scientist"])
    since: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    version: int = Field(description="Counts the edits; also the ETag.", examples=[1])


class MemberInList(TypedDict):
    """As :class:`MemberAnswer`, in what JSON has."""

    user: str
    title: str
    role: str
    since: str
    version: int
