"""What a Spark session's name and resources tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

RESOURCES = ("executors", "executor_cores", "executor_memory_mib", "driver_memory_mib", "gpus_per_executor")
BOUNDS = ("min_executors", "max_executors")
"""Numbers for a session whose executors come and go, else nothing."""
# The kernel names its session so (hops_kernels.configuration.session_name).
KERNEL_IN_NAME = re.compile(r"(?:py)?spark-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{6}")


def kernel_of(name: str | None) -> str | None:
    """Id of the kernel that named its session so; ``None`` where another client did."""
    kernel = KERNEL_IN_NAME.fullmatch(name or "")
    return kernel and kernel[1]


def kernel_in(session: Mapping[str, Any]) -> str | None:
    """Id of the kernel that works in ``session``: as that told it, else the one that gave it its name."""
    kernel = session.get("kernel")
    return kernel if isinstance(kernel, str) and kernel else kernel_of(session.get("name"))


def resources_of(answer: object) -> dict[str, int | str | None] | None:
    """The resources, or nothing where they are not told whole."""
    if not isinstance(answer, Mapping) or not all(isinstance(answer.get(name), int) for name in RESOURCES):
        return None
    label = answer.get("gpu_label")
    return {
        **{name: answer.get(name) for name in (*RESOURCES, *BOUNDS)},
        "gpu_label": label if isinstance(label, str) else None,
    }
