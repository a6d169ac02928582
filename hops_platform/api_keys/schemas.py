"""API keys on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from hops_platform.security.scopes import Scope
from hops_platform.users.schemas import Slug, Strict

DEFAULT_DAYS = 90
MOST_DAYS = 365
Scopes = Annotated[list[Scope], Field(description="What it can be used for.", examples=[["projects:read"]])]


class KeyState(StrEnum):
    """Whether a key is good."""

    GOOD = "good"
    ENDED = "ended"


class NewApiKey(Strict):
    """A key to make."""

    name: Slug = Field(examples=["nightly-report"])
    scopes: Scopes = Field(min_length=1, max_length=len(Scope))
    project: Slug | None = Field(
        default=None, description="Makes a key that is good in this project alone.", examples=["weather"]
    )
    days: int = Field(default=DEFAULT_DAYS, ge=1, le=MOST_DAYS, description="How long it is good.", examples=[90])


class ApiKeyAnswer(BaseModel):
    """A key, without what proves anything."""

    name: str = Field(examples=["nightly-report"])
    shown: str = Field(description="How it begins.", examples=["hops_Zr4kQ0xB"])
    scopes: Scopes
    project: str | None = Field(
        default=None, description="The project in which alone it is good.", examples=["weather"]
    )
    state: KeyState = Field(examples=["good"])
    reason: str | None = Field(default=None, description="Why it has ended.", examples=["The API key has expired."])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    expires_at: datetime = Field(examples=["2026-08-02T10:00:00Z"])
    last_used_at: datetime | None = Field(
        default=None, description="Up to a minute late.", examples=["2026-05-05T03:00:00Z"]
    )


class NewApiKeyAnswer(ApiKeyAnswer):
    """A key that was just made; shown this once."""

    key: str = Field(
        description="The key itself. It can't be shown again.",
        examples=["hops_Zr4kQ0xB…"],
    )
