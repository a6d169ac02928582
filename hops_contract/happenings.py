"""What became of Spark sessions, as the session service tells it and the control plane writes it into the audit.

Law: what an earlier session service kept can be read, so a field that comes later has a default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

from hops_contract.principal import PrincipalKind

MAX_SOURCE = 64


class HowSession(StrEnum):
    """What became of a session."""

    BEGUN = "begun"
    ENDED = "ended"


class ByWhom(BaseModel):
    """Who began or ended a session."""

    model_config = ConfigDict(frozen=True)

    user: str = Field(description="Name of the user.")
    kind: PrincipalKind = Field(description="What they came as: themselves, or a notebook server or session of theirs.")


class SessionHappening(BaseModel):
    """A session or batch began or ended. Moments are seconds since the epoch on the wire."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    number: int = Field(ge=1, description="Counted without a gap in one stream.")
    at: AwareDatetime = Field(description="When.")
    what: HowSession = Field(validation_alias="is", serialization_alias="is", description="Which of both.")
    session: int = Field(description="Its number.")
    since: AwareDatetime | None = Field(default=None, description="When the session was asked for.")
    project: str = Field(description="Of which project.")
    owner: str = Field(description="Whose.")
    by: ByWhom | None = Field(description="Who did it; null for the platform itself.")
    source: str = Field(
        default="",
        max_length=MAX_SOURCE,
        description="The network address that it was asked from; empty where unknown.",
    )
    reason: str = Field(default="", description="Why; where it began, why it could not.")
    details: Mapping[str, str | int | bool | None] = Field(default_factory=dict, description="What else is told.")

    @field_serializer("at", "since")
    def _seconds(self, moment: AwareDatetime | None) -> float | None:
        return None if moment is None else round(moment.timestamp(), 3)


class SessionHappenings(BaseModel):
    """What became of sessions, oldest first, and the stream in which that is numbered."""

    model_config = ConfigDict(frozen=True)

    stream: str = Field(max_length=64)
    items: Sequence[SessionHappening]
