"""The limits of a sandbox, looked at from outside.

Memory is what processes have, and what is there without belonging to one: System V segments, and files in the
sandbox's ``/dev/shm``. (Nameless files in memory are refused: :mod:`hops_contract.keeper.calls`.)
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from hops_contract.keeper.orders import Orders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_LOOK_S = 1.0
_SOON_S = 0.02
_REMEMBERED = 10
"""So many looks after a process was ended nobody need be told of it."""
_NAMED = 10
"""So many processes are named; of more in that time the last."""
_MIB = 1024 * 1024
_MOST_BYTES = 64 * 1024
_MOST_SEGMENTS_BYTES = 8 * _MIB
"""Linux lets there be 4096 segments, of a line each."""
_SEGMENT_BYTES = (14, 15)
"""Columns of what a segment holds in memory, and of what was put out of it."""


def watch(pid: int, orders: Orders, end: Callable[[], None]) -> None:
    """Ends what takes more than it may, for as long as this process lives.

    Args:
        pid: The sandbox's first process.
        orders: What it was told.
        end: Ends the sandbox.
    """
    most_memory, most_processes = orders.memory_mib * _MIB, orders.processes
    if not most_memory and not most_processes:
        return
    page, since_told = os.sysconf("SC_PAGE_SIZE"), 0
    ended: list[int] = []
    # Opened once: who ends a thread shows nothing by it any more.
    root = _root_of(pid)
    folder, memory_files = os.open("proc", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root), _open_if_there(root, "dev/shm")
    segments = _segments(pid)
    while True:
        time.sleep(_LOOK_S)
        try:
            found = _look(folder, page)
        except OSError:
            continue  # the machine has no room for it now
        if most_processes and sum(threads for _, threads, _ in found) > most_processes:
            tell(orders.told, orders.beyond_processes)
            end()
            return
        if most_memory:
            files = _in_segments(segments) + _in_files(memory_files)
            if shares := _shares(folder, found, most_memory, files):
                number = _largest(shares)
                ended = [*ended[1 - _NAMED :], number]
                # Before its end: who sees that looks for the reason.
                tell(orders.told, orders.beyond_memory, ended)
                since_told = _REMEMBERED
                if number == 1:
                    end()
                else:
                    _end(folder, number)
        since_told -= 1
        if since_told == 0:
            ended = []
            with suppress(OSError):
                os.unlink(orders.told)  # noqa: PTH108 - pathlib would take longer than all the rest


def _shares(folder: int, found: Sequence[tuple[int, int, int]], most: int, files: int) -> list[tuple[int, int]]:
    """Memory and number of each process, if together they have more than ``most``; what they share counts once.

    Args:
        folder: The sandbox's ``/proc``.
        found: See :func:`_look`.
        most: Bytes.
        files: Bytes in files and segments. Of these some may be counted as processes' as well, so that the larger of
            both counts.
    """
    if sum(memory for _, _, memory in found) + files <= most:
        return []
    # This is slower to read.
    shares = [(*_share(folder, number), number) for number, _, _ in found]
    apart = sum(memory - shared for memory, shared, _ in shares)
    if apart + max(files, sum(shared for _, shared, _ in shares)) <= most:
        return []
    return [(memory, number) for memory, _, number in shares]


def _segments(pid: int) -> int | None:
    from hops_contract.keeper.ways import segments_of  # noqa: PLC0415 - not before the sandbox runs

    for thread in _threads(pid):
        try:
            return segments_of(thread)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        except OSError:
            return None
    return None


def _in_segments(segments: int | None) -> int:
    """Bytes in System V segments."""
    if segments is None:
        return 0
    text = b""
    try:
        while len(text) < _MOST_SEGMENTS_BYTES and (part := os.pread(segments, _MOST_BYTES, len(text))):
            text += part
    except OSError:
        return 0
    lines = [line.split() for line in text.splitlines()[1:]]
    return sum(int(line[column]) for line in lines for column in _SEGMENT_BYTES if len(line) > column)


def _in_files(folder: int | None) -> int:
    """Bytes in the sandbox's ``/dev/shm``."""
    if folder is None:
        return 0
    told = os.fstatvfs(folder)
    return (told.f_blocks - told.f_bfree) * told.f_frsize


def _open_if_there(root: int, folder: str) -> int | None:
    with suppress(OSError):
        return os.open(folder, os.O_PATH | os.O_DIRECTORY, dir_fd=root)
    return None


def _threads(pid: int) -> Iterator[str]:
    """A process's threads in ``/proc``, as long as there are any; of its first nothing is told once it has ended.

    Code may end it at once, and any other while it is looked for.
    """
    while True:
        yield f"/proc/{pid}"
        try:
            threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - pathlib would take longer
        except OSError:
            return
        yield from (f"/proc/{pid}/task/{thread}" for thread in threads)
        time.sleep(_SOON_S)


def _root_of(pid: int) -> int:
    """The sandbox's root, as soon as it has one in which there is a ``/proc`` of its own.

    Raises:
        OSError: It has ended.
    """
    machines = os.stat("/proc").st_dev  # noqa: PTH116
    for thread in _threads(pid):
        with suppress(OSError):
            root = os.open(f"{thread}/root", os.O_PATH | os.O_DIRECTORY)
            with suppress(OSError):
                if os.stat("proc", dir_fd=root).st_dev != machines:
                    return root
            os.close(root)
    raise ProcessLookupError(pid)


def _look(folder: int, page: int) -> list[tuple[int, int, int]]:
    """Number, threads and bytes of memory of each process."""
    found = []
    for name in os.listdir(folder):
        if name.isdecimal() and (fields := _told(folder, f"{name}/stat")):
            threads, memory = int(fields[17]), int(fields[21])
            if fields[0] == b"Z" and (thread := _living_thread(folder, name)):
                memory = int((_told(folder, f"{thread}/stat") or fields)[21])
            found.append((int(name), threads, memory * page))
    return found


def _told(folder: int, name: str) -> list[bytes]:
    # Its own name stands in brackets, and may hold anything.
    return _read(folder, name).rpartition(b")")[2].split()


def _living_thread(folder: int, name: str) -> str | None:
    """A thread that runs on where the first has ended: of the process itself no memory is told then."""
    with suppress(OSError):
        tasks = os.open(f"{name}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        try:
            numbers = os.listdir(tasks)  # noqa: PTH208 - pathlib takes no descriptor
        finally:
            os.close(tasks)
        for number in numbers:
            if (fields := _told(folder, f"{name}/task/{number}/stat")) and fields[0] not in {b"Z", b"X"}:
                return f"{name}/task/{number}"
    return None


def _share(folder: int, number: int) -> tuple[int, int]:
    """Bytes of memory of a process, of what it shares its share; and how much of that is memory of files in memory."""
    text = _read(folder, f"{number}/smaps_rollup")
    if not text and (thread := _living_thread(folder, str(number))):
        text = _read(folder, f"{thread}/smaps_rollup")
    found = {line.partition(b":")[0]: line.split() for line in text.splitlines()}
    memory, shared = (int(found[name][1]) * 1024 if name in found else 0 for name in (b"Pss", b"Pss_Shmem"))
    return memory, shared


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


def _largest(shares: Sequence[tuple[int, int]]) -> int:
    """Which has most; the first, with which all end, only where there is no other."""
    _, number = max(((share, number) for share, number in shares if number != 1), default=(0, 1))
    return number


def _end(folder: int, number: int) -> None:
    with suppress(OSError):
        # The kernel takes it for the process, and for no other that gets its number later.
        one = os.open(str(number), os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        try:
            signal.pidfd_send_signal(one, signal.SIGKILL)
        finally:
            os.close(one)


def tell(file: str, sentence: str, ended: Sequence[int] = ()) -> None:
    """Says in the log, and in the file, why something ends.

    Args:
        file: Which begins with the sentence; a line with the number of each process follows.
        sentence: One line.
        ended: The processes, by their numbers in the sandbox.
    """
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(file, flags, 0o600)
        os.write(descriptor, told_text(sentence, ended).encode())
        os.close(descriptor)


def told_text(sentence: str, ended: Iterable[int]) -> str:
    """What a file holds that says why something was ended: the sentence, then a line for each process.

    Args:
        sentence: One line.
        ended: The processes, by their numbers in the sandbox.
    """
    return "\n".join((sentence, *map(str, ended)))
