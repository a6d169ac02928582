"""Listens to a trial's process until it ends: what it prints goes to its log, what came of it is handed back."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import time

from hops.experiment.child import MAX_RESULT_BYTES, ChildProcess
from hops.experiment.journal import Journal

CHUNK_BYTES = 64 * 1024
# A process that left the trial's process group may keep its output open for ever.
PATIENCE_S = 10
_PAUSE_MS = 1000


def listen(process: ChildProcess, journal: Journal) -> tuple[int, bytes]:
    """Waits for the process and for all that it has printed; whatever it left running is ended.

    Nothing is asked for at intervals: the kernel reports output and the process's end, so an empty trial costs little
    more than its fork.

    Returns:
        The exit code (negative for a signal) and what the process said came of the trial; too much of that is nothing.
    """
    ended = os.pidfd_open(process.pid)
    streams = {process.output, process.result}
    poller = select.poll()
    for descriptor in (ended, *streams):
        poller.register(descriptor, select.POLLIN)
    code: int | None = None
    deadline = math.inf
    result = bytearray()
    try:
        while (code is None or streams) and time.monotonic() < deadline:
            for descriptor, _ in poller.poll(_PAUSE_MS):
                if descriptor == ended:
                    poller.unregister(ended)
                    code = _reap(process.pid)
                    deadline = time.monotonic() + PATIENCE_S
                elif chunk := os.read(descriptor, CHUNK_BYTES):
                    if descriptor == process.output:
                        journal.take(chunk)
                    elif len(result) <= MAX_RESULT_BYTES:
                        result += chunk
                else:
                    poller.unregister(descriptor)
                    streams.discard(descriptor)
            journal.send_what_is_due()
        journal.end()
    finally:
        if code is None:
            code = _reap(process.pid)
        for descriptor in (ended, process.output, process.result):
            os.close(descriptor)
    return code, bytes(result) if len(result) <= MAX_RESULT_BYTES else b""


def _reap(pid: int) -> int:
    """Ends the process's group, which would keep output open and GPUs busy, and takes the exit code."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
