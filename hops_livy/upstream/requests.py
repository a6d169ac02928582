"""What Apache Livy is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hops_livy.engines.drivers import BatchFile, DriverRequest, Shape, StartError
from hops_livy.executor_settings import allocation_properties, gpu_properties
from hops_livy.upstream_settings import Cluster, UpstreamSettings


def session_body(request: DriverRequest, settings: UpstreamSettings, name: str, *, deserted_s: float) -> dict[str, Any]:
    """Body of ``POST /sessions``.

    Args:
        request: What a session is asked for with.
        settings: The site's Livy.
        name: The session's name there.
        deserted_s: After so many seconds in which nobody asked for it Livy ends it.

    Raises:
        StartError: The cluster can't do this.
    """
    return {
        # Of statements that name none, and none of ours does that; Livy prepares Python only for some kinds.
        "kind": "pyspark",
        "heartbeatTimeoutInSecond": int(deserted_s),
        **_common(request, settings, name),
    }


def batch_body(
    request: DriverRequest, batch: BatchFile, settings: UpstreamSettings, name: str, *, projects: Path
) -> dict[str, Any]:
    """Body of ``POST /batches``.

    Args:
        request: What a batch is asked for with.
        batch: Its files.
        settings: The site's Livy.
        name: The batch's name there.
        projects: The folder of all projects on this machine.

    Raises:
        StartError: The cluster can't do this, or does not see the project's files.
    """
    return {
        "file": file_uri(settings, batch.file, projects=projects),
        "args": list(batch.arguments),
        "pyFiles": [file_uri(settings, path, projects=projects) for path in batch.python_files],
        **_common(request, settings, name),
    }


def file_uri(settings: UpstreamSettings, path: Path, *, projects: Path) -> str:
    """Where the cluster finds a file of a project.

    Raises:
        StartError: It does not see the projects.
    """
    if settings.files is None:
        raise StartError(
            "Batches need files of the project, and the site's Apache Livy has not been told where to find them. An "
            "administrator sets HOPS_LIVY_UPSTREAM_FILES to the folder of the projects as the cluster sees it."
        )
    return f"{settings.files}/{quote(path.relative_to(projects).as_posix())}"


def check_shape(shape: Shape, cluster: Cluster) -> None:
    """Checks that there is a form for ``shape`` on such a cluster; what is free there only the cluster knows.

    Raises:
        StartError: There is none.
    """
    if shape.gpu_label is not None and cluster is Cluster.STANDALONE:
        raise StartError(
            f"GPUs with the label {shape.gpu_label!r} can't be asked for: a standalone cluster of Spark has no labels. "
            "Leave the label out."
        )


def resource_conf(shape: Shape, cluster: Cluster, conf: Mapping[str, str]) -> dict[str, str]:
    """The resources that Livy has no fields for, as Spark's settings for such a cluster.

    Args:
        shape: The resources.
        cluster: Where they are.
        conf: The session's own settings.

    Raises:
        StartError: There is no form for them.
    """
    check_shape(shape, cluster)
    # A cluster may have it on for all.
    resources = allocation_properties(shape, conf) if shape.dynamic else {"spark.dynamicAllocation.enabled": "false"}
    resources |= gpu_properties(shape, own_python=False)
    if shape.gpus_per_executor and cluster is Cluster.KUBERNETES:
        resources["spark.executor.resource.gpu.vendor"] = "nvidia.com"
    if shape.gpu_label is not None and cluster is Cluster.YARN:
        resources["spark.yarn.executor.nodeLabelExpression"] = shape.gpu_label
    if shape.gpu_label is not None and cluster is Cluster.KUBERNETES:
        resources["spark.kubernetes.executor.node.selector.nvidia.com/gpu.product"] = shape.gpu_label
    return resources


def _common(request: DriverRequest, settings: UpstreamSettings, name: str) -> dict[str, Any]:
    shape = request.shape
    body: dict[str, Any] = {
        "name": name,
        "proxyUser": request.owner.project_user,
        "driverMemory": f"{shape.driver_memory_mib}m",
        "driverCores": shape.driver_cores,
        "executorMemory": f"{shape.executor_memory_mib}m",
        "executorCores": shape.executor_cores,
        "conf": {**request.conf, **resource_conf(shape, settings.cluster, request.conf)},
    }
    return body if shape.dynamic else {**body, "numExecutors": shape.executors}
