"""Topics on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from hops_contract.streams import MAX_TOPIC_LENGTH, TOPIC_PATTERN, TOPIC_RULE, is_topic_name
from hops_platform.kafka.models import TopicState
from hops_platform.users.schemas import Strict

MOST_PARTITIONS = 100
MOST_REPLICAS = 10


def _check_name(name: str) -> str:
    if not is_topic_name(name):
        raise ValueError(f"A topic's name is {TOPIC_RULE}.")
    return name


# The pattern is only shown: in Python its `$` would also match before a line's end.
NewName = Annotated[
    str,
    Field(max_length=MAX_TOPIC_LENGTH, examples=["measurements"], json_schema_extra={"pattern": TOPIC_PATTERN}),
    AfterValidator(_check_name),
]


class NewTopic(Strict):
    """A topic to create."""

    name: NewName
    partitions: int = Field(
        default=1, ge=1, le=MOST_PARTITIONS, description="How many consumers of a group can share it.", examples=[3]
    )
    replicas: int = Field(
        default=1, ge=1, le=MOST_REPLICAS, description="On how many brokers each record is kept.", examples=[1]
    )


class TopicDeletion(Strict):
    """Says the name again, so that the wrong topic is not deleted."""

    name: str = Field(max_length=MAX_TOPIC_LENGTH, examples=["measurements"])


class TopicAnswer(BaseModel):
    """A topic of a project."""

    name: str = Field(description="Its name in the project.", examples=["measurements"])
    on_cluster: str = Field(description="What programs call it.", examples=["weather__measurements"])
    partitions: int = Field(examples=[3])
    replicas: int = Field(examples=[1])
    state: TopicState = Field(examples=["ready"])
    error: str | None = Field(description="Why it could not be made; null where it could.", examples=[None])
    made_by: str | None = Field(description="User name of who created it; null when not known.", examples=["ada"])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class BrokersAnswer(BaseModel):
    """How programs with a project-user's certificate reach the project's topics."""

    brokers: list[str] = Field(examples=[["kafka-1.example.org:9093"]])
    prefix: str = Field(
        description="What the names of the project's topics and of its consumer groups begin with.",
        examples=["weather__"],
    )
