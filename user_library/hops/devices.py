"""The GPUs that this process may use."""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["get_gpu_info", "get_gpu_util", "get_num_gpus"]

_PATIENCE_S = 20


def get_num_gpus() -> int:
    """Number of GPUs of this process: in a trial, those that Spark gave to its task; else all of this machine."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([address for address in visible.split(",") if address.strip() not in {"", "-1"}])
    return sum(line.startswith("GPU ") for line in _nvidia_smi("-L"))


def get_gpu_info() -> str:
    """A line for each GPU of this process: name, memory and used memory in MiB, utilisation in percent; else empty."""
    return "\n".join(_measured())


def get_gpu_util() -> str:
    """The same in words, to print while a trial runs; an empty text without GPUs."""
    rows = [[value.strip() for value in line.rsplit(",", 3)] for line in _measured()]
    return "\n".join(f"{name}: {used} of {total} MiB of memory, {busy} % busy" for name, total, used, busy in rows)


def _measured() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and get_num_gpus() == 0:
        return []
    chosen = [] if visible is None else ["-i", visible]
    query = "--query-gpu=name,memory.total,memory.used,utilization.gpu"
    return [line for line in _nvidia_smi("--format=csv,noheader,nounits", query, *chosen) if line.count(",") >= 3]  # noqa: PLR2004


def _nvidia_smi(*arguments: str) -> list[str]:
    """What the driver's program says; nothing where it is missing or can't answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.splitlines()
