"""The outbox and the service's health on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field


class DeliveryAnswer(BaseModel):
    """Something that is still to be done elsewhere."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    channel: str = Field(description="The engine that does it.", examples=["hub"])
    topic: str = Field(examples=["server.stop"])
    entity: str = Field(examples=["hub:weather__ada"])
    project: str | None = Field(examples=["weather"])
    stuck: bool = Field(description="It has failed several times.", examples=[True])
    attempts: int = Field(examples=[7])
    due_at: datetime = Field(examples=["2026-05-04T10:05:00Z"])
    last_error: str | None = Field(examples=["The Hub does not answer."])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class EngineState(StrEnum):
    """Whether an engine works."""

    UP = "up"
    DOWN = "down"


class EngineAnswer(BaseModel):
    """A part of the platform that the control plane uses."""

    name: str = Field(examples=["hub"])
    title: str = Field(examples=["Hub"])
    state: EngineState = Field(examples=["up"])
    since: datetime = Field(
        description="Since when that is so, as far as this service has seen.", examples=["2026-05-04T10:00:00Z"]
    )
    about: str | None = Field(description="What it said of itself when it worked last.", examples=["JupyterHub 5.4.0"])
    error: str | None = Field(description="Why it does not work; null if it does.", examples=[None])
    remedy: str | None = Field(description="What to do where it does not.", examples=[None])
    waiting: int = Field(description="Deliveries that wait for it.", examples=[0])
    stuck: int = Field(description="Of these, those that have failed several times.", examples=[0])


class Health(BaseModel):
    """Whether the service can work."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=["0.1.0"])
