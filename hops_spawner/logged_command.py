"""Runs a command with its output in a log file: ``python -m hops_spawner.logged_command LOG COMMAND …``.

The command takes this process over, so whoever started it watches the command itself. It ends with the Hub that
started it: a killed Hub must not leave services behind that hold the ports of the next one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

KEPT_BYTES = 10 * 1024 * 1024
_PR_SET_PDEATHSIG = 1


def run_logged(log: Path, command: list[str]) -> None:
    """Become ``command``; its output is appended to ``log``, of which one older part is kept."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.is_file() and log.stat().st_size > KEPT_BYTES:
        log.replace(log.with_suffix(".log.old"))
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.close(sink)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(command[0], command)  # noqa: S606 - the command is the Hub's own configuration


if __name__ == "__main__":
    run_logged(Path(sys.argv[1]), sys.argv[2:])
