"""The limits of a sandbox, looked at from outside."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from hops_contract.keeper.orders import Orders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOOK_S = 1.0
_REMEMBERED = 10
"""So many looks after a process was ended nobody need be told of it."""
_MIB = 1024 * 1024
_MOST_BYTES = 64 * 1024


def watch(pid: int, orders: Orders, end: Callable[[], None]) -> None:
    """Ends what takes more than it may, for as long as this process lives.

    Args:
        pid: The sandbox's first process.
        orders: What it was told.
        end: Ends the sandbox.
    """
    most_memory, most_processes = orders.memory_mib * _MIB, orders.processes
    page, since_told = os.sysconf("SC_PAGE_SIZE"), 0
    while most_memory or most_processes:
        time.sleep(_LOOK_S)
        folder = _processes_of(pid)
        if folder is None:
            continue
        try:
            found = _look(folder, page)
            if most_processes and sum(threads for _, threads, _ in found) > most_processes:
                tell(orders.told, orders.beyond_processes)
                end()
                return
            if most_memory and (shares := _shares(folder, found, most_memory)):
                tell(orders.told, orders.beyond_memory)
                since_told = _REMEMBERED
                _end_largest(folder, shares, end)
        finally:
            os.close(folder)
        since_told -= 1
        if since_told == 0:
            with suppress(OSError):
                os.unlink(orders.told)  # noqa: PTH108 - pathlib would take longer than all the rest


def _shares(folder: int, found: Sequence[tuple[int, int, int]], most: int) -> list[tuple[int, int]]:
    """Memory and number of each process, if together they have more than ``most``; what they share counts once."""
    if sum(memory for _, _, memory in found) <= most:
        return []
    # This is slower to read.
    shares = [(_share(folder, number), number) for number, _, _ in found]
    return shares if sum(share for share, _ in shares) > most else []


def _processes_of(pid: int) -> int | None:
    """The sandbox's ``/proc``, in which there is nothing else; ``None`` while it has none."""
    try:
        folder = os.open(f"/proc/{pid}/root/proc", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    if os.fstat(folder).st_dev != os.stat("/proc").st_dev:  # noqa: PTH116
        return folder
    os.close(folder)
    return None


def _look(folder: int, page: int) -> list[tuple[int, int, int]]:
    """Number, threads and bytes of memory of each process."""
    found = []
    for name in os.listdir(folder):
        if name.isdecimal() and (text := _read(folder, f"{name}/stat")):
            # Its own name stands in brackets, and may hold anything.
            fields = text.rpartition(b")")[2].split()
            found.append((int(name), int(fields[17]), int(fields[21]) * page))
    return found


def _share(folder: int, number: int) -> int:
    """Bytes of memory of a process, of what it shares its share."""
    for line in _read(folder, f"{number}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(folder: int, name: str) -> bytes:
    try:
        descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _MOST_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _end_largest(folder: int, shares: Sequence[tuple[int, int]], end: Callable[[], None]) -> None:
    _, number = max(((share, number) for share, number in shares if number != 1), default=(0, 1))
    if number == 1:
        end()
        return
    with suppress(OSError):
        # The kernel takes it for the process, and for no other that gets its number later.
        one = os.open(str(number), os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        try:
            signal.pidfd_send_signal(one, signal.SIGKILL)
        finally:
            os.close(one)


def tell(file: str, sentence: str) -> None:
    """Says in the log, and in the file, why something ends."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(file, flags, 0o600)
        os.write(descriptor, sentence.encode())
        os.close(descriptor)
