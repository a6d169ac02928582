"""The port to what runs sessions: the built-in drivers, or another engine behind an adapter of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hops_contract.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The resources of a session, in MiB where memory is meant. Immutable, so that pools can key on it."""

    driver_memory_mib: int = 1024
    driver_cores: int = 1
    executors: int = 1
    min_executors: int | None = None
    """Set together with ``max_executors`` when executors are allocated as the work needs."""
    max_executors: int | None = None
    executor_cores: int = 1
    executor_memory_mib: int = 1024
    gpus_per_executor: int = 0
    gpu_label: str | None = None

    @property
    def dynamic(self) -> bool:
        """Whether executors come and go."""
        return self.max_executors is not None

    @property
    def most_executors(self) -> int:
        """The largest number of executors that this can come to."""
        return self.executors if self.max_executors is None else self.max_executors

    @property
    def clustered(self) -> bool:
        """Whether executors are processes of their own (else the driver does their work)."""
        return self.most_executors > 1 or self.gpus_per_executor > 0

    @property
    def total_memory_mib(self) -> int:
        """Driver and all executors together."""
        return self.driver_memory_mib + self.most_executors * self.executor_memory_mib

    @property
    def total_gpus(self) -> int:
        """GPUs of all executors together."""
        return self.most_executors * self.gpus_per_executor


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """What a batch runs. Paths are absolute and inside the project's folder."""

    file: Path
    arguments: tuple[str, ...] = ()
    python_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRequest:
    """What a backend is asked to start.

    Attributes:
        session_id: Unique among sessions and batches, also over restarts of the service.
        owner: Whose it is; bound to a project.
        token: The owner's token. Never logged.
        name: Shown by Spark.
        shape: The resources.
        conf: Spark settings that were checked already.
        batch: Set for a batch, else the driver is interactive.
    """

    session_id: int
    owner: Principal
    token: str = field(repr=False)
    name: str
    shape: Shape
    conf: dict[str, str]
    batch: BatchFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a driver ended.

    Attributes:
        reason: In words, for the owner.
        code: Exit status of the process, where there was one.
        asked: Whether the service ended it.
    """

    reason: str
    code: int | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """The end of one statement: ``status`` is ``ok``, ``error`` or ``aborted``."""

    status: str
    error: dict[str, Any] | None = None


MessageHandler = Callable[[str, dict[str, Any]], None]
"""Takes type and content of an output message (Jupyter's ``iopub``) as it comes."""


class StartError(Exception):
    """A driver could not be started; the message is for the owner."""


class Driver(Protocol):
    """One Spark driver. All methods are called from one event loop."""

    @property
    def app_id(self) -> str | None:
        """Spark's id of the application, once it is known."""
        ...

    @property
    def ready(self) -> asyncio.Future[None]:
        """Done when statements can be executed (for a batch: when the file runs); fails with :class:`StartError`."""
        ...

    @property
    def ended(self) -> asyncio.Future[Ending]:
        """Done when the driver and all its processes are gone, for whatever reason. Never fails."""
        ...

    async def execute(self, code: str, *, kind: str, on_message: MessageHandler) -> Executed:
        """Runs ``code`` (of kind ``pyspark``, ``spark`` or ``sql``); one at a time.

        Raises:
            StartError: The driver has ended meanwhile.
        """
        ...

    async def interrupt(self) -> None:
        """Stops the running statement and its Spark jobs; the driver stays."""
        ...

    async def complete(self, code: str, cursor: int, *, kind: str = "pyspark") -> list[str]:
        """Whole words that may stand at ``cursor``."""
        ...

    def log(self) -> list[str]:
        """The last lines that the driver wrote."""
        ...

    def renew_token(self, token: str) -> None:
        """Puts a new token in the place of the old one. Never logged."""
        ...

    async def end(self, reason: str) -> None:
        """Ends the driver with all its processes and temporary files; returns when they are gone."""
        ...


class SessionBackend(Protocol):
    """Starts drivers."""

    async def prepare(self) -> None:
        """Called once before the first start: ends what a predecessor left behind."""
        ...

    async def start(self, request: DriverRequest) -> Driver:
        """Begins to start a driver and returns at once; see :attr:`Driver.ready`.

        Raises:
            StartError: It is clear already that it can't be started; nothing is left behind.
        """
        ...

    async def close(self) -> None:
        """Ends everything that is still there."""
        ...
