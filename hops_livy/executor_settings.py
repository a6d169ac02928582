"""Spark's settings for executors that every engine understands alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hops_livy.engines.drivers import Shape

INITIAL = "spark.dynamicAllocation.initialExecutors"


def allocation_properties(shape: Shape, conf: Mapping[str, str]) -> dict[str, str]:
    """Executors that come and go, without a service of shuffles on the nodes.

    Args:
        shape: The least and the most of them.
        conf: The session's own settings, which may say with how many it begins.
    """
    least = str(shape.min_executors or 0)
    return {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": least,
        INITIAL: conf.get(INITIAL, "").strip() or least,
        "spark.dynamicAllocation.maxExecutors": str(shape.most_executors),
    }


def gpu_properties(shape: Shape, *, own_python: bool) -> dict[str, str]:
    """The GPUs of each executor; nothing where there are none.

    Args:
        shape: What the session has.
        own_python: Whether executors run in the project's environment, whose ``hops`` lets CUDA see a task's GPUs.
    """
    if not shape.gpus_per_executor:
        return {}
    visible = {"spark.python.daemon.module": "hops.task_gpus"} if own_python else {}
    # One task at a time, which has all GPUs and cores of its executor (docs/decisions/0003-gpu-share.md).
    return visible | {
        "spark.executor.resource.gpu.amount": str(shape.gpus_per_executor),
        "spark.task.resource.gpu.amount": str(shape.gpus_per_executor),
        "spark.task.cpus": str(shape.executor_cores),
    }
