"""What the process may use: set once, before a byte of the file is read."""

from __future__ import annotations

import ctypes
import resource
import signal

MEMORY = 768 * 1024 * 1024
CPU_S = 5
MOST_WRITTEN = 8 * 1024 * 1024
_OPEN_FILES = 64
_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38
"""Of prctl(2)."""


def set_limits() -> None:
    """Sets them; a process can't raise them again. It ends as well when whoever asked for the preview does."""
    library = ctypes.CDLL(None)
    library.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, MOST_WRITTEN),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
