"""The capacity of this machine: psutil for cores and memory, ``nvidia-smi`` for GPUs, or what was set.

Where executors run on a cluster, what was set is the cluster's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cached_property

import psutil

from hops_contract.options import Capacity

_MIB = 1024 * 1024
_TIMEOUT_S = 10


class ThisMachine:
    """Capacity of the machine on which the control plane runs; read once.

    Args:
        gpus: Number of GPUs; counted when ``None``.
        gpu_labels: Labels of the GPUs.
        memory_mib: Memory to give out; the machine's when ``None``.
        cores: Cores that an executor may have; the machine's when ``None``.
    """

    def __init__(
        self, *, gpus: int | None, gpu_labels: tuple[str, ...], memory_mib: int | None, cores: int | None = None
    ) -> None:
        self._gpus = gpus
        self._gpu_labels = gpu_labels
        self._memory_mib = memory_mib
        self._cores = cores

    def read(self) -> Capacity:
        """See :class:`~hops_platform.engines.capacity.MachineCapacity`."""
        return self._capacity

    @cached_property
    def _capacity(self) -> Capacity:
        return Capacity(
            cores=self._cores or _own_cores(),
            memory_mib=self._memory_mib or psutil.virtual_memory().total // _MIB,
            gpus=count_gpus() if self._gpus is None else self._gpus,
            gpu_labels=self._gpu_labels,
        )


def _own_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1


def count_gpus() -> int:
    """GPUs that ``nvidia-smi`` lists; none without it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        listing = subprocess.run(
            [program, "--list-gpus"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        ).stdout
    except (subprocess.SubprocessError, OSError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.splitlines())
