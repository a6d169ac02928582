"""Notebook servers and their options on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from hops_contract.options import Capacity, ServerLimits, ServerOptions
from hops_platform.engines.hub import ServerState
from hops_platform.paging import Page
from hops_platform.users.schemas import Slug, Strict

_OPTIONS_EXAMPLE = {"executors": 2, "executor_cores": 1, "executor_memory_mib": 1024}


class ServerOptionsAnswer(BaseModel):
    """All that a form needs to ask for options."""

    project_title: str = Field(examples=["Weather of the coast"])
    options: ServerOptions = Field(description="What was last asked for; the defaults before that.")
    defaults: ServerOptions
    limits: ServerLimits
    capacity: Capacity = Field(examples=[{"cores": 8, "memory_mib": 32768, "gpus": 2, "gpu_labels": ["a100"]}])
    schema_: dict[str, Any] = Field(
        alias="schema", description="JSON Schema of the options.", examples=[{"type": "object", "properties": {}}]
    )


class ServerStart(Strict):
    """A start; without options those of last time are used."""

    options: ServerOptions | None = Field(default=None, examples=[_OPTIONS_EXAMPLE])


class ServerAnswer(BaseModel):
    """A notebook server."""

    user: str = Field(examples=["ada"])
    project: str = Field(examples=["weather"])
    state: ServerState = Field(examples=["ready"])
    url: str = Field(description="Where it answers in the browser.", examples=["/user/ada/weather/"])
    options: ServerOptions = Field(examples=[_OPTIONS_EXAMPLE])
    started_at: datetime | None = Field(default=None, examples=["2026-05-04T10:00:00Z"])
    last_activity: datetime | None = Field(default=None, examples=["2026-05-04T10:05:00Z"])
    reason: str | None = Field(default=None, description="Why it failed, or ended by itself.", examples=[None])


class SiteProject(BaseModel):
    """A project as an administrator oversees it."""

    name: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    owners: list[str] = Field(description="User names of its Data Owners.", examples=[["ada"]])
    limits: ServerLimits
    running: list[str] | None = Field(
        description="User names of the members whose servers run; null when the Hub does not answer.",
        examples=[["ada", "bob"]],
    )
    storage_bytes: int = Field(description="Of its files, as far as it is known.", examples=[1_288_490_188])
    topics: int = Field(description="How many it has.", examples=[3])
    archived_at: datetime | None = Field(description="Since when it is archived; null if it is not.", examples=[None])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class SiteProjects(Page[SiteProject]):
    """One page of all projects, and what there is to give to their servers."""

    capacity: Capacity = Field(examples=[{"cores": 8, "memory_mib": 32768, "gpus": 2, "gpu_labels": ["a100"]}])


class GrantRequest(Strict):
    """The Hub asks whether a server may start."""

    user: Slug
    options: dict[str, Any] | None = Field(
        default=None, description="Options as they came; null for those of last time.", examples=[_OPTIONS_EXAMPLE]
    )
