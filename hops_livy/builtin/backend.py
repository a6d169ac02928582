"""The built-in backend: starts drivers on this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from hops_contract.layout import Home, numbered
from hops_contract.principal import Principal
from hops_contract.shares import view_of
from hops_contract.storage import StorageAddress, StorageKind
from hops_livy.archive import usable_archive
from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.folder import SessionFolder
from hops_livy.builtin.kernel_client import connection_info
from hops_livy.builtin.launch import (
    Place,
    driver_command,
    launch_description,
    page_key,
    properties_text,
    session_environment,
    spark_properties,
)
from hops_livy.builtin.processes import end_strays
from hops_livy.builtin.sandboxes import Sandboxes
from hops_livy.certificates import Certificates, NoCertificates
from hops_livy.engines.amounts import UNBOUNDED, Amount, Room
from hops_livy.engines.drivers import DriverRequest, NoRoomError, Shape, StartError
from hops_livy.errors import disk_trouble
from hops_livy.gpus import GpuLedger, GpusTakenError, NoGpuError, discovery_script
from hops_livy.java import NoJavaError, find_java
from hops_livy.java_home import java_home_for
from hops_livy.masters.master import Cluster, ClusterError, Master
from hops_livy.memory import MemoryLedger, MemoryTakenError, NoMemoryError

LOG = logging.getLogger(__name__)
ON_THIS_MACHINE = StorageAddress(StorageKind.LOCAL)


class BuiltinSessions:
    """See :class:`~hops_livy.engines.drivers.SessionBackend`.

    Args:
        home: The platform's home.
        control_plane_url: What sessions are told as ``HOPS_CONTROL_PLANE_URL``.
        webhdfs_address: What they are told as ``HOPS_WEBHDFS_ADDRESS``, if anything.
        storage: Where datasets lie.
        certificates: Where their owners' certificates come from; ``None``: they get none.
        gpus: This machine's GPUs.
        memory: This machine's memory.
        start_s: After so many seconds a start has failed.
        deserted_s: So many seconds after the last service drivers end by themselves.
        starts_at_once: So many sessions are started at the same moment.
        master: Where executors run, when that is not this machine: then its GPUs are not counted here.
        cluster: Answers for that master.
        sandboxes: How each session gets its sandbox; ``None`` for no sandboxes.
    """

    def __init__(
        self,
        home: Home,
        *,
        control_plane_url: str,
        webhdfs_address: str | None = None,
        storage: StorageAddress = ON_THIS_MACHINE,
        certificates: Certificates | None = None,
        gpus: GpuLedger,
        memory: MemoryLedger,
        start_s: float,
        deserted_s: float = 600.0,
        starts_at_once: int = 8,
        master: Master | None = None,
        cluster: Cluster | None = None,
        sandboxes: Sandboxes | None = None,
    ) -> None:
        self._home = home
        self._sandboxes = sandboxes
        self._control_plane_url = control_plane_url
        self._webhdfs_address = webhdfs_address
        self._storage = storage
        self._certificates: Certificates = certificates or NoCertificates()
        self._gpus = gpus
        self._memory = memory
        self._start_s = start_s
        self._deserted_s = deserted_s
        self._starts_at_once = starts_at_once
        self._master = master
        self._cluster = cluster

    async def prepare(self, known: Collection[int]) -> None:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        for number, path in numbered(self._home.run / "sessions").items():
            if number in known:
                continue
            LOG.info("ending what is left of session %d", number)
            folder = SessionFolder(path)
            await end_strays(str(folder.token))
            await asyncio.to_thread(folder.wipe)

    async def start(self, request: DriverRequest) -> BuiltinDriver:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        shape, session_id = request.shape, request.session_id
        place = await asyncio.to_thread(self._place, request)
        await self._check_cluster(shape, request.owner)
        certificates = await self._certificates.of(request.owner, request.token)
        try:
            addresses = self._gpus.take(
                self._own_gpus(shape), session_id=session_id, owner=request.owner.project_user, label=shape.gpu_label
            )
            self._memory.take(self._own_memory_mib(shape), session_id=session_id)
        except (NoGpuError, NoMemoryError) as error:
            self._give_back(session_id)
            raise _refusal(error) from error
        try:
            connection = None if request.batch is not None else connection_info(place.folder.socket_prefix())
            driver = self._driver(request, addresses, connection, page_key(place.secret), place.own_network)
            _fill(place, request, addresses, connection, certificates)
            # In a thread, as addresses of the site can be names that are looked up.
            command = await asyncio.to_thread(self._command, place, request)
            await driver.launch(
                command,
                session_environment(
                    request, place, control_plane_url=self._control_plane_url, webhdfs_address=self._webhdfs_address
                ),
                place.project_folder / "Jupyter",
            )
        except (OSError, StartError) as error:
            place.folder.wipe()
            self._give_back(session_id)
            if isinstance(error, OSError):
                raise StartError(disk_trouble(error)) from error
            raise
        driver.ready.add_done_callback(lambda _future: self._memory.settle(session_id))
        return driver

    async def check(self, shape: Shape, *, owner: Principal, instead_of: int | None = None) -> None:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        await self._check_cluster(shape, owner)
        try:
            self._gpus.check(
                self._own_gpus(shape), owner=owner.project_user, label=shape.gpu_label, instead_of=instead_of
            )
            self._memory.check(self._own_memory_mib(shape), instead_of=instead_of)
        except (NoGpuError, NoMemoryError) as error:
            raise _refusal(error) from error

    def needs(self, shape: Shape) -> Amount:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        return Amount(sessions=1, starts=1, memory_mib=self._own_memory_mib(shape), gpus=shape.total_gpus)

    def room(self) -> Room:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        # A cluster gives out its GPUs itself, and has a queue of its own.
        gpus = (self._gpus.free, self._gpus.count) if self._master is None else (UNBOUNDED, UNBOUNDED)
        return Room(
            free=Amount(
                sessions=UNBOUNDED,
                starts=self._starts_at_once - self._memory.starting,
                memory_mib=self._memory.free,
                gpus=gpus[0],
            ),
            whole=Amount(
                sessions=UNBOUNDED,
                starts=self._starts_at_once,
                memory_mib=self._memory.whole,
                gpus=gpus[1],
            ),
        )

    async def recover(self, request: DriverRequest, state: dict[str, Any] | None) -> BuiltinDriver:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""
        session_id = request.session_id
        addresses = tuple(int(address) for address in (state or {}).get("gpus", ()))
        self._gpus.keep(addresses, session_id=session_id, owner=request.owner.project_user)
        self._memory.keep(self._own_memory_mib(request.shape), session_id=session_id)
        connection = (state or {}).get("connection")
        key = (state or {}).get("page_key")
        driver = self._driver(
            request,
            addresses,
            connection if isinstance(connection, dict) else None,
            key if isinstance(key, str) else None,
            bool((state or {}).get("own_network", False)),
        )
        await driver.adopt(state)
        return driver

    async def close(self) -> None:
        """See :class:`~hops_livy.engines.drivers.SessionBackend`."""

    def _driver(
        self,
        request: DriverRequest,
        addresses: tuple[int, ...],
        connection: dict[str, Any] | None,
        key: str | None,
        own_network: bool,  # noqa: FBT001 - within this class
    ) -> BuiltinDriver:
        return BuiltinDriver(
            request,
            SessionFolder(self._home.session(request.session_id)),
            start_s=self._start_s,
            on_gone=lambda: self._give_back(request.session_id),
            gpus=addresses,
            connection=connection,
            cluster=self._cluster,
            page_key=key,
            shared_view=None if self._sandboxes is None else view_of(self._home, str(request.owner.project)),
            own_network=own_network,
            processes=0 if self._sandboxes is None else self._sandboxes.processes,
        )

    def _command(self, place: Place, request: DriverRequest) -> list[str]:
        command = driver_command(place)
        if self._sandboxes is None:
            return command
        urls = [self._control_plane_url, *([self._webhdfs_address] if self._webhdfs_address else [])]
        return self._sandboxes.command(command, place, request, home=self._home, urls=urls)

    def _own_memory_mib(self, shape: Shape) -> int:
        return shape.total_memory_mib if self._master is None else shape.driver_memory_mib

    def _own_gpus(self, shape: Shape) -> int:
        return shape.total_gpus if self._master is None else 0

    async def _check_cluster(self, shape: Shape, owner: Principal) -> None:
        """Refuses what the cluster can never give; what it has not now is waited for."""
        if self._master is None or self._cluster is None:
            return
        self._master.refuse(shape)
        try:
            view = await self._cluster.look(owner.project_user)
        except ClusterError as error:
            raise StartError(str(error)) from error
        if view is not None and (reason := view.why_never(shape)) is not None:
            raise StartError(reason)

    def _place(self, request: DriverRequest) -> Place:
        project = str(request.owner.project)
        base = self._home.base_environment.resolve()  # the archive knows the jars by this path
        spark = next(iter(sorted(base.glob("lib/python3*/site-packages/pyspark"))), None)
        if spark is None:
            raise StartError("The base environment holds no Spark; `make up` prepares it.")
        python = self._home.environment(project) / "bin" / "python"
        if not python.exists():
            raise StartError(f"The environment of project {project} is not made yet; try again in a moment.")
        project_folder = self._home.project(project)
        if not (project_folder / "Jupyter").is_dir():
            raise StartError(f"Project {project} has no dataset Jupyter to work in.")
        try:
            java = find_java(base)
        except NoJavaError as error:
            raise StartError(str(error)) from error
        return Place(
            folder=SessionFolder(self._home.session(request.session_id)),
            project_folder=project_folder,
            project_address=self._storage.project_for_sessions(project),
            own_home=self._home.own_home(project, request.owner.user),
            python=python,
            spark=spark,
            java=java,
            java_home=java_home_for(java, self._home),
            archive=usable_archive(self._home, java, spark),
            scala_version=_scala_version(spark),
            service_alive=self._home.service_alive,
            deserted_s=self._deserted_s,
            master=self._master,
            own_network=self._sandboxes is not None
            and self._sandboxes.keeps_apart(request, on_cluster=self._master is not None),
        )

    def _give_back(self, session_id: int) -> None:
        self._gpus.give_back(session_id)
        self._memory.give_back(session_id)


def _refusal(error: NoGpuError | NoMemoryError) -> StartError:
    passing = isinstance(error, (GpusTakenError, MemoryTakenError))
    return NoRoomError(str(error)) if passing else StartError(str(error))


def _scala_version(spark: Path) -> str:
    for jar in (spark / "jars").glob("spark-core_*.jar"):
        return jar.name.removeprefix("spark-core_").partition("-")[0]
    raise StartError("The base environment's Spark is not whole: spark-core is missing; `make up` prepares it anew.")


def _fill(
    place: Place,
    request: DriverRequest,
    addresses: tuple[int, ...],
    connection: dict[str, Any] | None,
    certificates: Mapping[str, bytes],
) -> None:
    folder = place.folder
    folder.make(spark=place.spark)
    if place.master is not None:
        # Spark's file server takes no folder that comes later.
        folder.classes.mkdir(mode=0o700)
    place.own_home.mkdir(mode=0o700, parents=True, exist_ok=True)
    script: Path | None = None
    if addresses:
        script = folder.path / "gpus.sh"
        state = str(folder.path / "gpus")
        folder.write_secret(script, discovery_script(addresses, request.shape.gpus_per_executor, state))
        script.chmod(0o700)
    folder.write_secret(folder.token, request.token)
    if certificates:
        folder.write_certificates(certificates, archive=place.master is not None)
    folder.write_secret(folder.properties, properties_text(spark_properties(request, place, script)))
    if connection is not None:
        folder.write_json(folder.connection, connection)
    folder.write_json(folder.launch, launch_description(place, request))
