"""Problem details (RFC 9457): the one shape of an error, from every service of the platform."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:hopslab:problem:"


class Violation(BaseModel):
    """One field of a request that can't be accepted, and why."""

    field: str = Field(description="Dotted path of the field in the request.", examples=["options.executors"])
    message: str = Field(examples=["5 executors were asked for; this project may use 4."])


class Problem(BaseModel):
    """An error: what it is, what caused it here, and what to do about it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Names the kind of problem.", examples=["urn:hopslab:problem:not-found"])
    title: str = Field(description="The kind of problem in a few words.", examples=["Not found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What happened here.", examples=["There is no project 'sales' that you can see."])
    remedy: str | None = Field(
        default=None, description="What the caller can do.", examples=["Ask a Data Owner to add you."]
    )
    violations: list[Violation] = Field(default_factory=list)
