"""The audit on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field, JsonValue

from hops_platform.audit.actions import Action, ActorKind, Outcome


class ExportForm(StrEnum):
    """How an export is written."""

    JSON_LINES = "jsonl"
    CSV = "csv"


class AuditEventAnswer(BaseModel):
    """One row of the audit."""

    number: int = Field(description="Its place in the chain, without a gap.", examples=[4711])
    moment: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    actor: str = Field(description="Who did it; empty for somebody who was not proven.", examples=["ada"])
    actor_kind: ActorKind = Field(examples=["user"])
    action: str = Field(examples=[Action.MEMBER_ADD.value])
    project: str | None = Field(examples=["weather"])
    thing_kind: str = Field(examples=["member"])
    thing: str = Field(description="The name of what it was done to.", examples=["bob"])
    source: str = Field(
        description="The network address that it came from; empty where another project did it.", examples=["192.0.2.7"]
    )
    request_id: str = Field(
        description="The answer's X-Request-Id, also in the log; empty where another project did it.",
        examples=["9f0c5b7d2e814a63"],
    )
    outcome: Outcome = Field(examples=["done"])
    reason: str = Field(description="Why it was refused, or failed.", examples=[""])
    details: dict[str, JsonValue] = Field(examples=[{"role": "data_scientist"}])
    own_hash: str = Field(
        description="HMAC-SHA256 over this row and the hash of the row before.", examples=["b1946ac92492d234…"]
    )


class AuditVerification(BaseModel):
    """Whether all rows are there and as they were written."""

    whole: bool = Field(examples=[False])
    rows: int = Field(description="How many rows are good, from the first on.", examples=[4711])
    broken_at: int | None = Field(description="The first row that is missing or was changed.", examples=[4712])
    problem: str | None = Field(examples=["Row 4712 is missing."])
