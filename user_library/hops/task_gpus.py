"""What Python processes of executors with GPUs start from: each task sees the GPUs that Spark gave to it, no others.

Spark starts it as ``python -m hops.task_gpus pyspark.worker``, in place of its own ``pyspark.daemon``.
Spark tells a task its GPUs by ``TaskContext.resources()``; CUDA, and with it every library, asks the environment.
"""

from __future__ import annotations

import os
from typing import Any

from pyspark import TaskContext, daemon

__all__ = ["show_gpus", "watch_tasks"]

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def show_gpus(context: Any) -> None:
    """Lets CUDA see the GPUs of the task with that ``TaskContext`` from now on; none where it has none.

    A process serves one task after another. CUDA itself looks once, when it is first used in a process: Spark gives all
    GPUs of an executor to each of its tasks here, so what it saw is right for the next task too.
    """
    gpus = (context.resources() or {}).get("gpu") if context is not None else None
    os.environ[_VISIBLE] = ",".join(gpus.addresses) if gpus is not None else ""


def watch_tasks() -> None:
    """Has :func:`show_gpus` called whenever a task begins in this process or one that it forks."""
    begin = TaskContext._setTaskContext  # noqa: SLF001 - where pyspark's worker (4.2) makes its task known

    def begin_with_gpus(context: Any) -> None:
        begin(context)
        show_gpus(context)

    TaskContext._setTaskContext = begin_with_gpus  # noqa: SLF001


if __name__ == "__main__":
    watch_tasks()
    daemon.manager()
