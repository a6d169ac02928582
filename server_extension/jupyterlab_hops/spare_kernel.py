"""One kernel process kept ready, so that a new PySpark notebook does not wait for imports.

Laws:

1. There is one spare at most, and only while somebody uses this notebook server; it ends with the server.
2. What it becomes is the kernel that was asked for: the same arguments, folder and environment. Where it could not be
   (another command, another environment than the server's own), or is not there, the kernel starts in the ordinary way.
3. A spare is made when nobody waits: some time after the server's start and after the last kernel's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.launcher import launch_kernel

KERNEL_MODULE = "hops_kernels.pyspark"
SPARE_MODULE = "hops_kernels.spare"
OWN_OF_A_KERNEL = "JPY_"
"""Variables that differ from kernel to kernel and that Python does not read when it starts."""
MAX_ORDER_BYTES = 60 * 1024
"""Less than a pipe holds, so that handing over never waits for a spare that is still importing."""
FIRST_S = 3.0
REFILL_S = 15.0
UNUSED_S = 15 * 60.0
LEAST_FREE_BYTES = 2 * 1024**3
END_S = 5.0


def spare_command(command: Sequence[str]) -> list[str] | None:
    """The command of a spare for the kernel that ``command`` starts; ``None`` where there is no such thing."""
    if KERNEL_MODULE not in command:
        return None
    position = list(command).index(KERNEL_MODULE)
    if command[position - 1] != "-m":
        return None
    return [*command[:position], SPARE_MODULE]


def order_for(command: Sequence[str], *, environment: Mapping[str, str], folder: str) -> bytes:
    """What a spare is told, as ``hops_kernels.spare`` reads it."""
    arguments = list(command)[list(command).index(KERNEL_MODULE) + 1 :]
    content = {"arguments": arguments, "folder": folder, "environment": dict(environment)}
    return json.dumps(content).encode() + b"\n"


def common(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of ``environment`` that a spare and its kernel must share."""
    return {name: value for name, value in environment.items() if not name.startswith(OWN_OF_A_KERNEL)}


class SpareKernel:
    """The spare of one notebook server.

    Attributes:
        taken_at: When a kernel was started last, on the monotonic clock.
    """

    def __init__(self) -> None:
        self.taken_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []
        self._environment: dict[str, str] = {}

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._process.pid if self._process is not None and self.ready else None

    @property
    def ready(self) -> bool:
        """Whether there is a spare (it may still be importing)."""
        return self._process is not None and self._process.poll() is None

    def prepare(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        """Starts a spare for kernels of ``command``, unless there is one."""
        spare = spare_command(command)
        if self.ready or spare is None:
            return
        self._command, self._environment = spare, common(environment)
        self._process = launch_kernel(
            spare, stdin=subprocess.PIPE, env=dict(self._environment), cwd=str(folder), independent=False
        )

    def take(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: str
    ) -> subprocess.Popen[bytes] | None:
        """Lets the spare become the kernel of ``command`` and returns its process; ``None`` where it can't."""
        self.taken_at = time.monotonic()
        process = self._process
        if process is None or process.stdin is None or not self.ready or spare_command(command) != self._command:
            return None
        order = order_for(command, environment=environment, folder=folder)
        if common(environment) != self._environment or len(order) > MAX_ORDER_BYTES:
            return None
        self._process = None
        try:
            with process.stdin:
                process.stdin.write(order)
        except OSError:
            process.kill()
            process.wait()
            return None
        return process

    def end(self) -> None:
        """Ends the spare, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        process.kill()
        process.wait(END_S)


async def keep_ready(
    spare: SpareKernel,
    prepare: Callable[[], None],
    last_use: Callable[[], float],
    *,
    sleep: Callable[[float], Any] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Makes a spare while the server is in use, and ends it otherwise; until it is cancelled.

    Args:
        spare: The spare.
        prepare: Starts it.
        last_use: Seconds since somebody used the server.
        sleep: Waits; replaced in tests.
        clock: The monotonic clock; replaced in tests.
    """
    spare.taken_at = clock() - REFILL_S
    wait_s = FIRST_S
    while True:
        await sleep(wait_s)
        since_s = clock() - spare.taken_at
        if last_use() > UNUSED_S:
            spare.end()
        elif not spare.ready and since_s >= REFILL_S and psutil.virtual_memory().available >= LEAST_FREE_BYTES:
            prepare()
        wait_s = REFILL_S
