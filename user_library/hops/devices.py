"""The GPUs that this process may use."""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["get_num_gpus"]

_PATIENCE_S = 20


def get_num_gpus() -> int:
    """Number of GPUs of this process: in a trial, those that Spark gave to its task; else all of this machine."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([address for address in visible.split(",") if address.strip() not in {"", "-1"}])
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        answer = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in answer.stdout.splitlines())
