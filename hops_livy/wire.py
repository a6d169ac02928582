"""Bodies of requests, as Livy's clients send them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from hops_contract.options import Allocation, OnNoRoom, ServerOptions

ConfValue = str | int | float | bool
MAX_CONF = 500
KernelId = Annotated[str, Field(max_length=100, description="Id of the notebook kernel that works in the session.")]
Notebook = Annotated[str, Field(max_length=1000, description="Its notebook, as the kernel calls it.")]
Memory = Annotated[str, Field(pattern=r"^\s*\d{1,9}\s*([kKmMgGtT][bB]?)?\s*$")]


class Scope(StrEnum):
    """Whose sessions an overview is of."""

    OWN = "own"
    PROJECT = "project"
    ALL = "all"


class Resources(BaseModel):
    """What sessions and batches have in common."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    name: str | None = Field(default=None, max_length=200)
    proxy_user: str | None = Field(default=None, alias="proxyUser", max_length=200)
    driver_memory: Memory | None = Field(default=None, alias="driverMemory")
    driver_cores: int | None = Field(default=None, alias="driverCores", ge=1, le=256)
    executor_memory: Memory | None = Field(default=None, alias="executorMemory")
    executor_cores: int | None = Field(default=None, alias="executorCores", ge=1, le=256)
    num_executors: int | None = Field(default=None, alias="numExecutors", ge=0, le=1000)
    conf: dict[str, ConfValue] = Field(default_factory=dict, max_length=MAX_CONF)
    jars: list[str] = Field(default_factory=list, max_length=100)
    py_files: list[str] = Field(default_factory=list, alias="pyFiles", max_length=100)
    files: list[str] = Field(default_factory=list, max_length=100)
    archives: list[str] = Field(default_factory=list, max_length=100)
    queue: str | None = Field(
        default=None,
        max_length=200,
        description="Livy's, of YARN. Refused: the site has one for all.",
    )
    on_no_room: OnNoRoom | None = Field(
        default=None,
        alias="onNoRoom",
        description="Whether it waits in the queue where there is no room now, or is refused; `spark.hops.queue` in "
        "`conf` says the same. Default: it waits.",
    )

    @field_validator("conf", "jars", "py_files", "files", "archives", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object, info: object) -> object:
        if value is None:
            return {} if getattr(info, "field_name", "") == "conf" else []
        if isinstance(value, dict) and len(value) > MAX_CONF:
            # Said before each of them is looked at: the errors of a body full of wrong settings fill seconds.
            raise PydanticCustomError("too_long", "At most {most} settings are possible", {"most": MAX_CONF})
        return value


class SessionRequest(Resources):
    """``POST sessions``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "pyspark",
                    "numExecutors": 2,
                    "executorCores": 1,
                    "executorMemory": "1024m",
                    "driverMemory": "1024m",
                }
            ]
        }
    )

    kind: str = Field(default="pyspark", max_length=50)
    heartbeat_s: int | None = Field(default=None, alias="heartbeatTimeoutInSecond", ge=0, le=7 * 24 * 3600)
    ttl: str | None = Field(default=None, pattern=r"^\s*\d{1,9}\s*(ms|s|m|min|h|d)?\s*$")
    kernel: KernelId | None = None
    notebook: Notebook | None = None


class ConnectRequest(BaseModel):
    """``POST sessions/{id}/connect``; the whole body may be left out, as in Livy."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kernel": "3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11", "notebook": "Jupyter/days.ipynb"}]
        }
    )

    kernel: KernelId | None = None
    notebook: Notebook | None = None


class WarmRequest(BaseModel):
    """``POST sessions:warm``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"options": {"executors": 1, "executor_cores": 1}}]})

    options: ServerOptions


def session_request(options: ServerOptions) -> SessionRequest:
    """What a notebook server with these options asks for when it starts a session."""
    conf: dict[str, ConfValue] = {"spark.dynamicAllocation.enabled": options.allocation is Allocation.DYNAMIC}
    if options.allocation is Allocation.DYNAMIC:
        conf["spark.dynamicAllocation.minExecutors"] = options.min_executors
        conf["spark.dynamicAllocation.maxExecutors"] = options.max_executors
    if options.gpus_per_executor:
        conf["spark.executor.resource.gpu.amount"] = options.gpus_per_executor
    if options.gpu_label is not None:
        conf["spark.hops.gpu.label"] = options.gpu_label
    return SessionRequest(
        driver_memory=f"{options.driver_memory_mib}m",
        executor_memory=f"{options.executor_memory_mib}m",
        executor_cores=options.executor_cores,
        num_executors=options.executors if options.allocation is Allocation.FIXED else None,
        conf=conf,
    )


class BatchRequest(Resources):
    """``POST batches``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"file": "Resources/job.py", "args": ["7"]}]})

    file: str = Field(max_length=4096)
    args: list[str] = Field(default_factory=list, max_length=1000)
    class_name: str | None = Field(default=None, alias="className", max_length=500)


class StatementRequest(BaseModel):
    """``POST sessions/{id}/statements``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "spark.range(10).count()"}]})

    code: str
    kind: str | None = Field(default=None, max_length=50)


class CompletionRequest(BaseModel):
    """``POST sessions/{id}/completion``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "spark.ran", "cursor": 9}]})

    code: str
    cursor: int = Field(ge=0)
    kind: str | None = Field(default=None, max_length=50)


class InspectionRequest(BaseModel):
    """``POST sessions/{id}/inspection``."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "spark.range", "cursor": 11, "detail_level": 0}]}
    )

    code: str
    cursor: int = Field(ge=0)
    kind: str | None = Field(default=None, max_length=50, description="The code's language; default: the session's.")
    detail_level: int = Field(default=0, ge=0, le=1)


class IdleStop(BaseModel):
    """``POST overview:stop-idle``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": "project", "sessions": [3, 5]}]})

    scope: Scope = Scope.OWN
    project: str | None = Field(default=None, max_length=64, description="Needed where the token is bound to none.")
    sessions: list[int] | None = Field(
        default=None, max_length=1000, description="Only these, as far as they are still idle; default: all."
    )
