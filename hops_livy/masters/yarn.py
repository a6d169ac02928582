"""Hadoop YARN: ``yarn``, in client mode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hops_livy.engines.drivers import DriverRequest, Shape
from hops_livy.masters.master import Paths, executor_properties, need_gpu_script
from hops_livy.masters.view import Application, ClusterView, Node

GPU = "yarn.io/gpu"
_ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})
_BEFORE_START = frozenset({"NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED"})
_USABLE = "RUNNING"
_NO_PROXY = "127.0.0.1:9"
"""An address of loopback at which nobody answers (the port is that of the service ``discard``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YarnMaster:
    """See :class:`~hops_livy.masters.master.Master`.

    Attributes:
        conf_dir: Folder with Hadoop's ``core-site.xml`` and ``yarn-site.xml``.
        queue: Queue that sessions are put into.
        staging: Where Spark puts what the nodes fetch; default: the owner's home on the cluster's file system.
        spark_on_nodes: Where Spark lies on the nodes; default: where it lies here.
        gpu_script: Program on the nodes that tells a container's GPUs.
    """

    conf_dir: Path
    driver_host: str
    queue: str = "default"
    staging: str | None = None
    spark_on_nodes: Path | None = None
    gpu_script: str | None = None
    python: Path | None = None

    def refuse(self, shape: Shape) -> None:
        """See :class:`~hops_livy.masters.master.Master`."""
        need_gpu_script(shape, self.gpu_script)

    def properties(self, request: DriverRequest, paths: Paths) -> dict[str, str]:
        """See :class:`~hops_livy.masters.master.Master`."""
        shape = request.shape
        properties = executor_properties(request, own_python=self.python is None) | {
            "spark.master": "yarn",
            "spark.yarn.queue": self.queue,
            # By it the application is found again: to tell what it waits for, and to end it.
            "spark.yarn.tags": request.application,
            "spark.yarn.jars": f"local:{self.spark_on_nodes or paths.spark}/jars/*",
            # A driver that is gone does not come again; neither should its application.
            "spark.yarn.maxAppAttempts": "1",
            # The application master has Spark's pages send everybody to YARN's proxy who comes from another address:
            # so that address is loopback, where alone they listen, and where the session service comes from.
            "spark.hadoop.yarn.web-proxy.address": _NO_PROXY,
        }
        if self.staging is not None:
            properties["spark.yarn.stagingDir"] = self.staging
        if shape.gpus_per_executor:
            # From the amount Spark makes YARN's own request, of the type yarn.io/gpu.
            properties["spark.executor.resource.gpu.discoveryScript"] = str(self.gpu_script)
        if shape.gpu_label is not None:
            properties["spark.yarn.executor.nodeLabelExpression"] = shape.gpu_label
        return properties

    def java_environment(self, paths: Paths) -> dict[str, str]:
        """See :class:`~hops_livy.masters.master.Master`."""
        # Spark asks for its Python library as an archive; the environment of the nodes has it compiled already, so the
        # smaller one is named, which hides nothing.
        gateway = next(iter(sorted((paths.spark / "python" / "lib").glob("py4j-*.zip"))), None)
        library = (self.spark_on_nodes or paths.spark) / "python" / "lib"
        archive = {} if gateway is None else {"PYSPARK_ARCHIVES_PATH": f"local:{library / gateway.name}"}
        return {"HADOOP_CONF_DIR": str(self.conf_dir), **archive}

    def class_path(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return (self.conf_dir,)

    def reads(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return (self.conf_dir,)

    def writes(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        staging = urlsplit(self.staging or "")
        return (Path(staging.path),) if staging.scheme == "file" else ()


def read_view(nodes: dict[str, Any], applications: dict[str, Any]) -> ClusterView:
    """What a ResourceManager tells at ``/ws/v1/cluster/nodes`` and ``…/apps``.

    Raises:
        LookupError, TypeError, ValueError: It tells something else.
    """
    entries = (nodes["nodes"] or {}).get("node") or []
    told = (applications["apps"] or {}).get("app") or []
    return ClusterView(
        nodes=tuple(_node(entry) for entry in entries if entry["state"] == _USABLE),
        applications=tuple(_application(entry) for entry in told if entry["state"] not in _ENDED),
        overhead=True,
    )


def living_ids(applications: dict[str, Any], tag: str) -> tuple[list[str], bool]:
    """Ids of the applications with that tag that have not ended, and whether one of them has begun.

    Raises:
        LookupError, TypeError, ValueError: The ResourceManager tells something else.
    """
    told = (applications["apps"] or {}).get("app") or []
    # Looked at here too: a manager that overlooks the question's tag must not cost the owner another session.
    living = [entry for entry in told if entry["state"] not in _ENDED and tag in _tags(entry)]
    return [str(entry["id"]) for entry in living], any(entry["state"] not in _BEFORE_START for entry in living)


def _node(entry: dict[str, Any]) -> Node:
    used_memory, free_memory = int(entry["usedMemoryMB"]), int(entry["availMemoryMB"])
    used_cores, free_cores = int(entry["usedVirtualCores"]), int(entry["availableVirtualCores"])
    used_gpus, free_gpus = _gpus(entry.get("usedResource")), _gpus(entry.get("availableResource"))
    return Node(
        cores=used_cores + free_cores,
        memory_mib=used_memory + free_memory,
        gpus=used_gpus + free_gpus,
        free_cores=free_cores,
        free_memory_mib=free_memory,
        free_gpus=free_gpus,
        labels=tuple(str(label) for label in entry.get("nodeLabels") or ()),
    )


def _application(entry: dict[str, Any]) -> Application:
    # The first container is YARN's own for the application. Of others' applications no containers are told.
    containers = int(entry.get("runningContainers") or 0)
    return Application(
        names=(str(entry["id"]), *_tags(entry)),
        owner=str(entry["user"]),
        executors=max(0, containers - 1),
        waiting=entry["state"] in _BEFORE_START,
        started=entry["state"] not in _BEFORE_START,
    )


def _tags(entry: dict[str, Any]) -> list[str]:
    return [tag for tag in str(entry.get("applicationTags") or "").split(",") if tag]


def _gpus(resource: dict[str, Any] | None) -> int:
    kinds = ((resource or {}).get("resourceInformations") or {}).get("resourceInformation") or []
    return sum(int(kind["value"]) for kind in kinds if kind["name"] == GPU)
