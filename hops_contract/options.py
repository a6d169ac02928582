"""What a notebook server and its Spark session may use: asked for in the form, in REST and by both spawners."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hops_contract.network import Network

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")]

MOST_MIB = 2**40
"""An exbibyte: more is a slip of the keyboard."""


class Allocation(StrEnum):
    """How the number of executors is chosen."""

    FIXED = "fixed"
    """As many as asked for, from the start to the end."""
    DYNAMIC = "dynamic"
    """Between a minimum and a maximum, as the work needs."""


class OnNoRoom(StrEnum):
    """What becomes of a session that there is no room for at the moment."""

    WAIT = "wait"
    """It waits in the queue, and starts when its turn has come."""
    FAIL = "fail"
    """It is refused at once, with who has what it needs; on a cluster it ends when that tells that it has no room."""


class ServerOptions(BaseModel):
    """What one notebook server's Spark session may use. Memory is in MiB."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allocation: Allocation = Field(
        default=Allocation.FIXED, title="Executors", description="A fixed number, or as many as the work needs."
    )
    executors: int = Field(
        default=1, ge=1, le=1000, title="Number of executors", description="Used when the number is fixed."
    )
    min_executors: int = Field(
        default=1, ge=0, le=1000, title="At least", description="Used when the number is dynamic."
    )
    max_executors: int = Field(
        default=2, ge=1, le=1000, title="At most", description="Used when the number is dynamic."
    )
    executor_cores: int = Field(default=1, ge=1, le=256, title="Cores per executor")
    executor_memory_mib: int = Field(default=1024, ge=512, le=4 * 1024 * 1024, title="Memory per executor (MiB)")
    driver_memory_mib: int = Field(default=1024, ge=512, le=4 * 1024 * 1024, title="Memory of the driver (MiB)")
    gpus_per_executor: int = Field(default=0, ge=0, le=64, title="GPUs per executor")
    gpu_label: Label | None = Field(
        default=None, title="GPU label", description="Only hosts with this label, for instance a GPU model."
    )
    on_no_room: OnNoRoom = Field(
        default=OnNoRoom.WAIT,
        title="When there is no room",
        description="Wait in the queue until memory and GPUs are free, or be told at once. For what Apache Livy or "
        "Kubernetes gives out every session waits.",
    )
    idle_timeout_minutes: int = Field(
        default=120,
        ge=0,
        le=7 * 24 * 60,
        title="Stop after idle minutes",
        description="Then Spark sessions end and the server stops. 0 means never.",
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> ServerOptions:
        if self.allocation is Allocation.DYNAMIC and self.min_executors > self.max_executors:
            raise ValueError(f"At least {self.min_executors} executors is more than at most {self.max_executors}.")
        if self.gpu_label is not None and self.gpus_per_executor == 0:
            raise ValueError(
                "A GPU label without GPUs asks for nothing; set GPUs per executor, or leave the label empty."
            )
        return self

    @property
    def most_executors(self) -> int:
        """The largest number of executors that these options can come to."""
        return self.executors if self.allocation is Allocation.FIXED else self.max_executors

    @property
    def total_memory_mib(self) -> int:
        """Driver and all executors together, in MiB."""
        return self.driver_memory_mib + self.most_executors * self.executor_memory_mib

    @property
    def total_gpus(self) -> int:
        """GPUs of all executors together."""
        return self.most_executors * self.gpus_per_executor


class ServerLimits(BaseModel):
    """The most that a server of one project may ask for, and all the project together. Memory and storage in MiB."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_executors: int = Field(default=8, ge=1, le=1000)
    max_executor_cores: int = Field(default=8, ge=1, le=256)
    max_executor_memory_mib: int = Field(default=8 * 1024, ge=512, le=MOST_MIB)
    max_driver_memory_mib: int = Field(default=8 * 1024, ge=512, le=MOST_MIB)
    max_total_memory_mib: int = Field(default=16 * 1024, ge=1024, le=MOST_MIB)
    max_gpus: int = Field(default=8, ge=0, le=1024)
    max_project_sessions: int | None = Field(
        default=None, ge=1, le=100_000, description="For all sessions of the project together; null: no limit."
    )
    max_project_memory_mib: int | None = Field(
        default=None, ge=1024, le=MOST_MIB, description="For all sessions of the project together; null: no limit."
    )
    max_project_executors: int | None = Field(
        default=None, ge=1, le=100_000, description="For all sessions of the project together; null: no limit."
    )
    max_project_gpus: int | None = Field(
        default=None, ge=0, le=100_000, description="For all sessions of the project together; null: no limit."
    )
    max_project_servers: int | None = Field(
        default=None, ge=1, le=100_000, description="Notebook servers that run at the same moment; null: no limit."
    )
    max_project_storage_mib: int | None = Field(
        default=None,
        ge=1,
        le=MOST_MIB,
        description="Files of the project's datasets, its trash and uploads under way; null: no limit.",
    )
    max_project_topics: int | None = Field(
        default=10, ge=0, le=10_000, description="Topics of the project; null: no limit."
    )
    max_idle_timeout_minutes: int = Field(
        default=24 * 60, ge=1, le=2**31, description="The longest idle time; 'never' needs a limit of a week."
    )


class SessionBounds(ServerLimits):
    """A project's limits, and what else bounds its servers and sessions when they start."""

    network: Network = Field(
        default=Network.PLATFORM, description="What their code reaches of the network, where it runs in a sandbox."
    )
    full: bool = Field(
        default=False, description="Whether the project is over its quota of storage: its code only reads its datasets."
    )


class Capacity(BaseModel):
    """What there is to use: one machine, or the cluster behind it. Memory is in MiB."""

    model_config = ConfigDict(frozen=True)

    cores: int = Field(ge=1)
    memory_mib: int = Field(ge=1)
    gpus: int = Field(default=0, ge=0)
    gpu_labels: tuple[str, ...] = ()
