"""What the system tells of memory when a process of a session was killed: did the kernel do it, how much was taken.

The kernel's OOM killer tells nobody whom it kills, but it counts: for the whole machine (``/proc/vmstat``) and for each
control group (``memory.events`` of version 2, ``memory.oom_control`` of version 1; see the kernel's admin guide,
"Control Group v2" and "Memory Resource Controller"). A driver inherits the group of the session service, whose count is
thus of the service's own processes alone; where there is none, that of the machine has to do.

The counts are looked at as often as the session's log is, and when it has ended: no time is spent on waiting for them.
"""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from hops_livy.control_groups import MemoryGroups
from hops_livy.memory import free_memory_mib, is_limited, whole_memory_mib

_MIB = 1024 * 1024
_COUNTERS = ("memory.events", "memory.oom_control")
APART_S = 15.0
"""A kill is told as the cause of a death that came within twice this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAtEnd:
    """What is known of memory when a process was killed; sizes in MiB.

    Attributes:
        ran_out: Whether the kernel ended a process for lack of memory shortly before; ``None`` where it does not count.
        of_service: Whether that was one of the service's own, its sessions' among them.
        taken: What the session had, as far as it was seen.
        free: What the machine had left when that was looked at last.
        whole: What there is for the service and its sessions together.
        limited: Whether that is a limit of the service's control group, and not all that the machine has.
    """

    ran_out: bool | None = None
    of_service: bool = True
    taken: int | None = None
    free: int | None = None
    whole: int
    limited: bool = False


class OomCounter:
    """Counts what the kernel's OOM killer has ended.

    Args:
        proc: Where the kernel tells of processes.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        own = (chain[0] / name for chain in MemoryGroups(proc).chains for name in _COUNTERS)
        self._file = next((file for file in own if _oom_kills(file) is not None), proc / "vmstat")
        self.of_service = self._file.name in _COUNTERS
        """Whether only the service's own processes are counted, its sessions' among them."""

    def read(self) -> int | None:
        """How many up to now; ``None`` where the kernel does not say."""
        return _oom_kills(self._file)


class MemoryWatch:
    """What one session's memory was like of late.

    Args:
        counter: Counts what the OOM killer has ended.
    """

    def __init__(self, counter: OomCounter) -> None:
        self._counter = counter
        self._taken: int | None = None
        self._free: int | None = None
        # Two looks: one may fall between a kill and its being noticed.
        self._kills: deque[tuple[float, int | None]] = deque(maxlen=2)

    def look(self, leader: int | None) -> None:
        """Looks at the counts and at the processes of ``leader``, once that runs; takes about a millisecond."""
        now = time.monotonic()
        if not self._kills or now - self._kills[-1][0] >= APART_S:
            self._kills.append((now, self._counter.read()))
        if leader is not None and (taken := resident_mib(leader)):
            self._taken, self._free = taken, free_memory_mib()

    def at_end(self, *, peak_mib: int | None = None) -> MemoryAtEnd:
        """What is known now that a process has ended.

        Args:
            peak_mib: The most that the driver's largest process has had, if the kernel has told.
        """
        before, now = self._kills[0][1] if self._kills else None, self._counter.read()
        seen = [size for size in (self._taken, peak_mib) if size is not None]
        return MemoryAtEnd(
            ran_out=None if before is None or now is None else now > before,
            of_service=self._counter.of_service,
            taken=max(seen, default=None),
            free=self._free,
            whole=whole_memory_mib(),
            limited=is_limited(),
        )


def resident_mib(leader: int) -> int:
    """What the processes of a session have of the machine's memory; what several share is counted for each.

    Args:
        leader: Process id of the driver, which leads the system's session of processes that they are in.
    """
    size = 0
    for pid in psutil.pids():
        # One that ends meanwhile has nothing.
        with suppress(OSError, psutil.Error):
            if os.getsid(pid) == leader:
                size += int(psutil.Process(pid).memory_info().rss)
    return size // _MIB


def _oom_kills(file: Path) -> int | None:
    try:
        counts = dict(line.split() for line in file.read_text().splitlines())
        return int(counts["oom_kill"])
    except (OSError, ValueError, LookupError):
        return None
