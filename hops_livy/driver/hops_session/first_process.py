"""What the first process of a sandbox does: it waits for the driver, tells of its end, and ends what it leaves.

The system gives the first process all orphans and ends everything with it. The driver itself, whose code is the user's,
can't be it: a signal that the first process has no handler for is dropped, so that it could not even abort.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Any

from .status import Status

_PATIENCE_S = 5.0
"""A Java machine that has been told to end tidies up; the service, if there is one, ends all that remain before."""
_POLL_S = 0.05
_KIB_OF_A_MIB = 1024
_DUMPABLE = 4
"""Of prctl(2)."""


def stand_before(launch: dict[str, Any]) -> None:
    """Goes on in a new process, where this one is a sandbox's first; there this one never returns."""
    if os.getpid() != 1:
        return
    # Code of the session has the same user id, by which it could else take this process over, and outlive the end.
    # Before there is such code, which as a process of its own has nothing to hide from itself.
    ctypes.CDLL(None).prctl(_DUMPABLE, 0)
    driver = os.fork()
    if driver == 0:
        ctypes.CDLL(None).prctl(_DUMPABLE, 1)
        return
    # An interrupt of a whole group is for the driver.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os._exit(_wait_for(driver, Status(Path(launch["status_file"]), Path(launch["status_socket"]))))


def _wait_for(driver: int, status: Status) -> int:
    """Returns the exit status of ``driver``, as a shell does, when nothing is left or patience is at its end."""
    while True:
        pid, ended, used = os.wait3(0)
        if pid == driver:
            break
    code = os.waitstatus_to_exitcode(ended)
    # At once, as what it leaves can need a while to end.
    status.tell("driver_ended", code=code, peak_mib=used.ru_maxrss // _KIB_OF_A_MIB)
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and _others_run():
        time.sleep(_POLL_S)
    return code if code >= 0 else 128 - code


def _others_run() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
