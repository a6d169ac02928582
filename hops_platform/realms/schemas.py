"""People of realms on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from hops_platform.users.schemas import Slug, Strict


class RealmAccountAnswer(BaseModel):
    """Somebody of a realm."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    realm: str = Field(examples=["staff"])
    username: str = Field(description="What the realm calls them.", examples=["ada.lovelace"])
    email: str = Field(description="What the realm says; it proves nothing.", examples=["ada@example.org"])
    title: str = Field(examples=["Ada Lovelace"])
    user: str | None = Field(description="Who they are here; null while they wait.", examples=["ada"])
    created_at: datetime = Field(description="When they first came.", examples=["2026-05-04T10:00:00Z"])
    proven_at: datetime = Field(description="When they proved last who they are.", examples=["2026-05-04T10:00:00Z"])
    gone_at: datetime | None = Field(description="Since when the realm does not know them any more.", examples=[None])


class AdmissionRequest(Strict):
    """Who somebody of a realm shall be here."""

    user: Slug
    existing: bool = Field(
        default=False,
        description="Whether it is a user that is there. That one's password and log-ins end: from then on the realm "
        "says who it is. No administrator can be taken.",
        examples=[False],
    )
