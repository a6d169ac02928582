"""The port to what runs sessions: the built-in drivers, or another engine behind an adapter of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hops_contract.network import Network
from hops_contract.principal import Principal
from hops_livy.engines.amounts import Amount, Room


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

    @property
    def asked(self) -> Amount:
        """What was asked for in all, wherever it is: a project's limits bound that."""
        return Amount(sessions=1, memory_mib=self.total_memory_mib, gpus=self.total_gpus, executors=self.most_executors)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """What a batch runs. Paths are absolute and inside the project's folder."""

    file: Path
    arguments: tuple[str, ...] = ()
    python_files: tuple[Path, ...] = ()


class Tell(Protocol):
    """Takes why a driver does nothing at the moment although it lives."""

    def __call__(self, reason: str, /, *, no_room: bool = False) -> None:
        """Takes it.

        Args:
            reason: In words for its owner; nothing when that is over.
            no_room: Whether it waits for a cluster that has no room for what it needs to begin. Never said of one that
                has had all that it asked for, nor where the cluster does not tell.
        """


def _untold(_reason: str, /, *, no_room: bool = False) -> None:
    """Nobody listens."""


def _unmourned(_ending: Ending) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRequest:
    """What a backend is asked to start.

    Attributes:
        session_id: Unique among sessions and batches, also over restarts of the service.
        application: The application's name, unique over restarts too (``HOPS_APP_ID``).
        owner: Whose it is; bound to a project.
        token: The owner's token. Never logged.
        name: Shown by Spark.
        shape: The resources.
        conf: Spark settings that were checked already.
        kept_outputs: Folder for what its statements wrote, when the driver has ended; not made yet.
        network: What its code reaches of the network from a sandbox.
        full: Whether its code only reads the project's datasets, since the project is over its quota.
        warm: Whether nobody waits for it yet: it may warm itself up when it has started.
        batch: Set for a batch, else the driver is interactive.
        tell: Called with why the driver does nothing at the moment although it lives, such as executors that it waits
            for; with nothing when that is over.
        dies: Called, at most once, as soon as it is known that the driver has ended by itself; what is left of it may
            take its time to go.
    """

    session_id: int
    application: str
    owner: Principal
    token: str = field(repr=False)
    name: str
    shape: Shape
    conf: dict[str, str] = field(default_factory=dict)
    kept_outputs: Path
    network: Network = Network.PLATFORM
    full: bool = False
    warm: bool = False
    batch: BatchFile | None = None
    tell: Tell = field(default=_untold, repr=False, compare=False)
    dies: Callable[[Ending], None] = field(default=_unmourned, repr=False, compare=False)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Words that may stand at the cursor, as Jupyter's ``complete_reply`` tells them.

    Attributes:
        matches: The words, best first. Each takes the place of the code from ``start`` to ``end``.
        start: Index into the code, in characters.
        end: Index into the code, in characters; not included.
        metadata: What the kernel tells besides, such as the words' types.
    """

    matches: list[str]
    start: int
    end: int
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def nothing(cls, cursor: int) -> Completion:
        """No words for ``cursor``."""
        return cls(matches=[], start=cursor, end=cursor)

    def without(self, prefix: int) -> Completion:
        """The same for code without its first ``prefix`` characters, which its author does not know of."""
        if not prefix:
            return self
        return Completion(matches=self.matches, start=max(0, self.start - prefix), end=max(0, self.end - prefix))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is known of the name at the cursor, as Jupyter's ``inspect_reply`` tells it.

    Attributes:
        found: Whether there is such a name.
        data: A MIME bundle; empty where nothing was found.
        metadata: Of the bundle.
    """

    found: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkPages:
    """Where a driver's Spark shows its pages.

    Attributes:
        url: Scheme, host and port.
        key: Signs the tokens that they ask for (base64, as in URLs). Never logged.
        socket: The way there, where the driver has a network of its own.
    """

    url: str
    key: str = field(repr=False)
    socket: Path | None = None


MessageHandler = Callable[[str, dict[str, Any]], None]
"""Takes type and content of an output message (Jupyter's ``iopub``) as it comes."""


class StartError(Exception):
    """A driver could not be started; the message is for the owner."""


class NotOfferedError(Exception):
    """The engine has no such thing; the message is for the owner."""


class NoRoomError(StartError):
    """There is not so much memory, or not so many GPUs, now; when other drivers end there may be.

    What there can never be is a :class:`StartError` and no more: nobody waits for that.
    """


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

    @property
    def state(self) -> dict[str, Any]:
        """What :meth:`SessionBackend.recover` needs to find it again, in JSON's types.

        It holds keys to the driver, so it is kept where only the service reads.
        """
        ...

    async def execute(
        self,
        code: str,
        *,
        kind: str,
        statement: int,
        on_message: MessageHandler,
        execution_count: int | None = None,
    ) -> Executed:
        """Runs ``code`` (of kind ``pyspark``, ``spark`` or ``sql``) as the statement of that number; one at a time.

        Besides Jupyter's messages ``on_message`` may get some of the type ``progress``: see
        :class:`~hops_livy.progress.Progress`.

        Args:
            code: What to run.
            kind: Its language.
            statement: Its number; none is given twice.
            on_message: Takes the output as it comes.
            execution_count: Number of the code's cell in its notebook, for tracebacks; without it the driver counts.

        Raises:
            StartError: The driver has ended meanwhile.
        """
        ...

    async def resume(
        self,
        code: str,
        *,
        kind: str,
        statement: int,
        on_message: MessageHandler,
        execution_count: int | None = None,
    ) -> Executed:
        """Goes on with a statement that an earlier service began: hands over its whole output, from the first.

        One that has never reached the driver is run now. Raises as :meth:`execute`.
        """
        ...

    def written(self, statement: int) -> Iterable[tuple[str, dict[str, Any]]]:
        """Type and content of what a statement has written up to now, also after the driver's end. For any thread."""
        ...

    def forget(self, statement: int) -> None:
        """Nobody will ask for the output of that statement any more."""
        ...

    async def interrupt(self) -> None:
        """Stops the running statement and its Spark jobs; the driver stays."""
        ...

    async def works(self) -> bool:
        """Whether its Spark is seen to work, also where no statement runs: a streaming query, or a thread's job."""
        ...

    async def complete(self, code: str, cursor: int, *, kind: str = "pyspark") -> Completion:
        """Words that may stand at ``cursor``; also while a statement runs. No words where none are known in time."""
        ...

    async def inspect(self, code: str, cursor: int, *, kind: str = "pyspark", detail_level: int = 0) -> Inspection:
        """What is known of the name at ``cursor``; of one in Python code also while a statement runs.

        Args:
            code: The code around the name.
            cursor: Index into ``code``, in characters.
            kind: The code's language.
            detail_level: 1 for the source as well, where there is one.

        Raises:
            NotOfferedError: The engine can't tell.
        """
        ...

    def log(self) -> list[str]:
        """The last lines that the driver wrote."""
        ...

    @property
    def shows_pages(self) -> bool:
        """Whether its Spark is known to show pages that can be reached."""
        ...

    async def spark_pages(self) -> SparkPages | None:
        """Where its Spark shows its pages at this moment; ``None`` where it shows none that can be reached."""
        ...

    def renew_token(self, token: str) -> None:
        """Puts a new token in the place of the old one. Never logged."""
        ...

    async def end(self, reason: str, *, at_once: bool = False) -> None:
        """Ends the driver with all its processes and temporary files; returns when they are gone.

        Args:
            reason: Why.
            at_once: Whether its code may do nothing more: then no process of this machine is given the time to put
                its things in order.
        """
        ...

    def detach(self) -> None:
        """Lets go of the driver, which works on; a later service recovers it."""
        ...


class SessionBackend(Protocol):
    """Starts drivers."""

    async def prepare(self, known: Collection[int]) -> None:
        """Called once before the first start: ends what a predecessor left of sessions that are not ``known``."""
        ...

    async def start(self, request: DriverRequest) -> Driver:
        """Begins to start a driver and returns at once; see :attr:`Driver.ready`.

        Raises:
            NoRoomError: It can't be started now, and may be later; nothing is left behind.
            StartError: It is clear already that it can't be started; nothing is left behind.
        """
        ...

    async def check(self, shape: Shape, *, owner: Principal, instead_of: int | None = None) -> None:
        """Checks that a session of ``shape`` could be started now; nothing is reserved.

        Args:
            shape: The resources.
            owner: Who asks.
            instead_of: A session that would be ended before.

        Raises:
            NoRoomError: It could not now, and may be able to later.
            StartError: It never could.
        """
        ...

    def needs(self, shape: Shape) -> Amount:
        """What a session of ``shape`` takes of :meth:`room`; one that nothing counts for still is one session."""
        ...

    def room(self) -> Room:
        """What is free now and what there is in all; without bounds where the engine itself lets sessions wait.

        By this those are chosen that start next. A choice that proves wrong (:class:`NoRoomError`) costs an attempt.
        """
        ...

    async def recover(self, request: DriverRequest, state: dict[str, Any] | None) -> Driver:
        """Finds the driver of an earlier service again, and returns when it is known what it does.

        Args:
            request: As it was started with; of settings and files it holds none.
            state: The driver's :attr:`Driver.state`; ``None`` if the service died while it was being started.

        Returns:
            The driver. It never fails: one that can't be found is one that has ended, with the reason.
        """
        ...

    async def close(self) -> None:
        """Called once after all drivers were let go of: nothing of it is left in this process."""
        ...
