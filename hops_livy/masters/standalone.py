"""A standalone Spark cluster: ``spark://host:port``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.masters.master import Paths, executor_properties
from hops_livy.masters.view import Application, ClusterView, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class StandaloneMaster:
    """See :class:`~hops_livy.masters.master.Master`.

    Attributes:
        url: ``spark://host:port``, several hosts separated by commas.
        secret_file: File with the secret that the cluster's master and workers were started with.
        gpu_labels: Labels that every GPU of the cluster has: its workers have none of their own.
    """

    url: str
    driver_host: str
    secret_file: Path
    gpu_labels: tuple[str, ...] = ()
    python: Path | None = None

    def refuse(self, shape: Shape) -> None:
        """See :class:`~hops_livy.masters.master.Master`."""
        if shape.gpu_label is not None and shape.gpu_label not in self.gpu_labels:
            known = ", ".join(self.gpu_labels) or "no labels"
            raise StartError(f"No GPU of the cluster has the label {shape.gpu_label!r}; there are {known}.")

    def properties(self, request: DriverRequest, paths: Paths) -> dict[str, str]:  # noqa: ARG002 - the port's
        """See :class:`~hops_livy.masters.master.Master`."""
        shape = request.shape
        try:
            secret = self.secret_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            secret = ""
        if not secret:
            raise StartError(
                "The secret of the Spark cluster can't be read. Tell the administrator: HOPS_SPARK_SECRET_FILE."
            )
        return executor_properties(request, own_python=self.python is None) | {
            "spark.master": self.url,
            # Without it an application takes all cores that there are.
            "spark.cores.max": str(shape.most_executors * shape.executor_cores),
            # The same for all: a master of this kind knows one secret only (docs/decisions/0013-masters.md).
            "spark.authenticate.secret": secret,
        }

    def java_environment(self, paths: Paths) -> dict[str, str]:  # noqa: ARG002 - the port's
        """See :class:`~hops_livy.masters.master.Master`."""
        return {}

    def class_path(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return ()

    def reads(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return ()

    def writes(self) -> tuple[Path, ...]:
        """See :class:`~hops_livy.masters.master.Master`."""
        return ()


def read_view(content: dict[str, Any]) -> ClusterView:
    """What a master tells at ``/json/`` of its page.

    Raises:
        LookupError, TypeError, ValueError: It tells something else.
    """
    workers = [worker for worker in content["workers"] if worker["state"] == "ALIVE"]
    return ClusterView(
        nodes=tuple(
            Node(
                cores=int(worker["cores"]),
                memory_mib=int(worker["memory"]),
                gpus=_gpus(worker.get("resources")),
                free_cores=int(worker["coresfree"]),
                free_memory_mib=int(worker["memoryfree"]),
                free_gpus=_gpus(worker.get("resourcesfree")),
            )
            for worker in workers
        ),
        applications=tuple(_application(entry) for entry in content["activeapps"]),
    )


def _application(entry: dict[str, Any]) -> Application:
    return Application(
        names=(str(entry["id"]),),
        owner=str(entry["user"]),
        cores=int(entry["cores"]),
        waiting=str(entry["state"]) == "WAITING",
    )


def _gpus(resources: dict[str, Any] | None) -> int:
    # Spark tells the addresses of each kind, those that are free and those that are used.
    return len(((resources or {}).get("gpu") or {}).get("addresses") or ())
