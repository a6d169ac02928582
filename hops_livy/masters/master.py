"""The port to a Spark master beyond this machine: what a driver of the built-in backend is told, and what it asks.

Laws:

1. A driver runs on this machine in client mode and counts on its memory; executors and their GPUs are the cluster's.
2. A builder is pure: the same request gives the same settings. Nothing of a session's token is among them.
3. What a cluster can't hold even when nothing else runs is refused before the start; what it has not now is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.executor_settings import allocation_properties, gpu_properties
from hops_livy.masters.view import ClusterView


class ClusterError(Exception):
    """The cluster does not answer, or not as it should; the message says so without addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """What a session is made of, as this machine sees it.

    Attributes:
        project_folder: The project's datasets.
        environment: The project's environment.
        spark: The Spark installation.
    """

    project_folder: Path
    environment: Path
    spark: Path


class Master(Protocol):
    """A kind of master, with the site's settings for it."""

    @property
    def driver_host(self) -> str:
        """The address of this machine by which executors reach drivers."""
        ...

    @property
    def python(self) -> Path | None:
        """The Python of executors, where it is not the project's environment at the path that it has here."""
        ...

    def refuse(self, shape: Shape) -> None:
        """Refuses what no cluster of this kind can be asked for.

        Raises:
            StartError: With the setting that is missing, or the option that can't be had.
        """
        ...

    def properties(self, request: DriverRequest, paths: Paths) -> dict[str, str]:
        """Spark's settings of a driver, beside those that are the same for all masters."""
        ...

    def java_environment(self, paths: Paths) -> dict[str, str]:
        """What the driver's Java machine finds in its environment besides."""
        ...

    def class_path(self) -> tuple[Path, ...]:
        """Folders that follow the jars on the driver's class path."""
        ...

    def reads(self) -> tuple[Path, ...]:
        """Files and folders of this machine that a driver must be able to read besides."""
        ...

    def writes(self) -> tuple[Path, ...]:
        """Folders of this machine that a driver must be able to change besides."""
        ...


class Cluster(Protocol):
    """A cluster that can be asked."""

    async def look(self, project_user: str) -> ClusterView | None:
        """What it has and who uses it, as ``project_user`` may see it; ``None`` for a kind that can't be asked.

        Raises:
            ClusterError: It does not answer.
        """
        ...

    async def release(self, application: str, project_user: str) -> None:
        """Ends what a driver that is gone may have left there.

        Raises:
            ClusterError: It does not answer.
        """
        ...


def executor_properties(request: DriverRequest, *, own_python: bool) -> dict[str, str]:
    """What all masters are told alike: size and number of executors, GPUs, and whose they are.

    Args:
        request: What is started.
        own_python: Whether executors run in the project's environment.
    """
    shape, owner = request.shape, request.owner
    variables = {
        "HOPS_PROJECT": str(owner.project),
        "HOPS_USER": owner.user,
        "HOPS_PROJECT_USER": owner.project_user,
        "HOPS_APP_ID": request.application,
        "HADOOP_USER_NAME": owner.project_user,
    }
    properties = {
        "spark.executor.cores": str(shape.executor_cores),
        "spark.executor.memory": f"{shape.executor_memory_mib}m",
        **{f"spark.executorEnv.{name}": value for name, value in variables.items()},
        # Ready when the driver is: what is still waited for is told, and statements wait for it by themselves.
        "spark.scheduler.minRegisteredResourcesRatio": "0",
    }
    properties |= gpu_properties(shape, own_python=own_python)
    if not shape.dynamic:
        return {
            **properties,
            "spark.dynamicAllocation.enabled": "false",
            "spark.executor.instances": str(shape.executors),
        }
    return properties | allocation_properties(shape, request.conf)


def need_gpu_script(shape: Shape, script: str | None) -> None:
    """Refuses GPUs where nobody said how an executor finds those that it was given.

    Raises:
        StartError: There is no script.
    """
    if shape.gpus_per_executor and script is None:
        raise StartError(
            "GPUs can't be had here: how executors find theirs is not set. Ask the administrator for HOPS_GPU_SCRIPT."
        )
