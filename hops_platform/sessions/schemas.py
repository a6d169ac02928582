"""Spark sessions on the wire: what the session service tells of them in its ``overview``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from hops_platform.users.schemas import Strict

MOST_NAMED = 1000
SessionNumber = Annotated[int, Field(ge=0, lt=2**31)]


class Scope(StrEnum):
    """Whose sessions."""

    OWN = "own"
    PROJECT = "project"
    """Those of all members of one project; for its Data Owners."""
    ALL = "all"
    """Everybody's; for administrators."""


class LastStatement(BaseModel):
    """What was last run in a session. Times are seconds since the epoch."""

    state: str = Field(examples=["available"])
    status: str | None = Field(default=None, description="How it ended: ok, error or aborted.", examples=["ok"])
    started: float | None = Field(default=None, examples=[1795400100.0])
    completed: float | None = Field(default=None, examples=[1795400120.5])
    line: str | None = Field(
        default=None, description="The first line of its code; null where it is another's.", examples=["days.count()"]
    )


class SessionResources(BaseModel):
    """What a session asked for, and the GPUs that it has. Memory is in MiB."""

    executors: int = Field(examples=[2])
    min_executors: int | None = Field(default=None, examples=[None])
    max_executors: int | None = Field(default=None, examples=[None])
    executor_cores: int = Field(examples=[1])
    executor_memory_mib: int = Field(examples=[1024])
    driver_memory_mib: int = Field(examples=[1024])
    gpus_per_executor: int = Field(default=0, examples=[2])
    gpu_label: str | None = Field(default=None, description="Of which label these are to be.", examples=["a100"])
    gpus: list[int] = Field(default=[], description="Numbers of this machine's GPUs that it holds.", examples=[[0, 1]])


class QueuePlace(BaseModel):
    """The place of a session that waits for resources; its reason says for what."""

    position: int = Field(description="1 for the one that is served next.", examples=[2])
    length: int = Field(description="How many wait.", examples=[5])


class SparkSession(BaseModel):
    """A Spark session or batch. Times are seconds since the epoch."""

    id: int = Field(examples=[3])
    name: str | None = Field(default=None, examples=["nightly"])
    notebook: str | None = Field(
        default=None,
        description="Path of the notebook that works in it; null where there is none, and of another's session.",
        examples=["Jupyter/Welcome.ipynb"],
    )
    project: str = Field(examples=["weather"])
    user: str = Field(examples=["ada"])
    own: bool = Field(examples=[True])
    kind: str = Field(examples=["pyspark"])
    state: str = Field(examples=["idle"])
    reason: str | None = Field(default=None, description="Why it is in its state, in words.", examples=[None])
    app_id: str | None = Field(default=None, examples=["local-1795400000000"])
    created: float = Field(examples=[1795400000.0])
    idle_since: float | None = Field(default=None, examples=[1795400120.5])
    idle_timeout_s: float = Field(description="It ends after so many idle seconds; 0 is never.", examples=[7200.0])
    ends: float | None = Field(
        default=None,
        description="When it ends if nothing is run; null while it works or where it stays.",
        examples=[1795407320.5],
    )
    statements: int = Field(examples=[1])
    waiting: int = Field(description="Statements that wait.", examples=[0])
    queue: QueuePlace | None = Field(default=None, description="Its place, while it waits for resources.")
    last_statement: LastStatement | None = None
    resources: SessionResources
    spark_ui: str | None = Field(
        default=None,
        description="Path of Spark's own pages; null where there are none, and of another's session.",
        examples=["/user/ada/weather/hops/session/3/ui/"],
    )


class KeptReady(BaseModel):
    """Sessions that were started before anybody asked for them, of all people together; none is in a list."""

    sessions: int = Field(examples=[3])
    memory_mib: int = Field(description="What they hold, in MiB.", examples=[1843])


class SparkSessionList(BaseModel):
    """Sessions and batches, newest first."""

    scope: Scope
    items: list[SparkSession]
    next: int | None = Field(description="Send it as 'after' to get more; null at the end.", examples=[None])
    total: int = Field(examples=[1])
    idle: int = Field(examples=[1])
    version: str = Field(description="Short for what this says; see 'seen'.", examples=["9a3f0c5b7d2e8146"])
    kept_ready: KeptReady | None = Field(default=None, description="Told for the scope 'all' only.")


class SessionLog(BaseModel):
    """The last lines of a session's log."""

    total: int = Field(description="How many lines there are.", examples=[1])
    log: list[str] = Field(examples=[["read 1461 days"]])


class IdleStop(Strict):
    """Which idle sessions are to end."""

    scope: Scope
    project: str | None = Field(default=None, max_length=64, examples=["weather"])
    sessions: list[SessionNumber] | None = Field(
        default=None, max_length=MOST_NAMED, description="Only these, if they are idle.", examples=[[3, 5]]
    )


class Stopped(BaseModel):
    """Numbers of the sessions that were ended."""

    ended: list[int] = Field(examples=[[3, 5]])
