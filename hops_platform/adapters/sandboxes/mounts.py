"""What is mounted in the sandboxes of this machine, and which processes hold it: read from ``/proc``."""

from __future__ import annotations

import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hops_contract.shares import Identity

_PROC = Path("/proc")
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """Something that is mounted in a sandbox.

    Attributes:
        number: The kernel's number of the mount.
        point: Where.
        writes: Whether it can be written.
        identity: The folder that is seen there.
    """

    number: int
    point: str
    writes: bool
    identity: Identity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The file system as one sandbox sees it.

    Attributes:
        number: The kernel's number of it.
        processes: Who lives in it, by ids of this machine.
    """

    number: int
    processes: tuple[int, ...]


def namespaces() -> list[Namespace]:
    """All but this process's own that this user can look into."""
    found: dict[int, list[int]] = defaultdict(list)
    own = _namespace_of("self")
    for pid in processes():
        with suppress(*_GONE):
            number = _namespace_of(pid)
            if number != own:
                found[number].append(pid)
    return [Namespace(number=number, processes=tuple(pids)) for number, pids in found.items()]


def processes() -> list[int]:
    """The ids of all processes of this machine."""
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]


def mounted_from(namespace: Namespace, folder: str) -> list[Mounted]:
    """What is mounted at ``folder`` and below it in a namespace."""
    for pid in namespace.processes:
        with suppress(*_GONE):
            lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
            if _namespace_of(pid) == namespace.number:
                found = (one for one in parse(lines) if one.point == folder or one.point.startswith(f"{folder}/"))
                return [_look(pid, one) for one in found]
    return []


def parse(lines: Sequence[str]) -> Iterator[Mounted]:
    """The mounts of ``/proc/<pid>/mountinfo``, without what is seen there."""
    for line in lines:
        fields = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        yield Mounted(number=int(fields[0]), point=point, writes="ro" not in fields[5].split(","), identity=None)


def _look(pid: int, mounted: Mounted) -> Mounted:
    try:
        status = Path(f"/proc/{pid}/root{mounted.point}").stat()
    except OSError:
        return mounted
    identity = Identity(device=status.st_dev, inode=status.st_ino)
    return Mounted(number=mounted.number, point=mounted.point, writes=mounted.writes, identity=identity)


def holders(namespace: Namespace, numbers: frozenset[int]) -> set[int]:
    """Who has something of these mounts open, or works in it: descriptors and working folders of all threads.

    A detached mount lives on as long as somebody holds it, and through an open folder all of it can be reached.
    """
    return {pid for pid in _living(namespace) if _holds(pid, numbers)}


def mappers(namespace: Namespace, points: Sequence[str]) -> set[int]:
    """Who has a file below one of the points in its memory; known only as long as the mount is attached."""
    found = set()
    for pid in _living(namespace):
        with suppress(*_GONE):
            for line in Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").splitlines():
                path = line.split(None, 5)[5:]
                if path and any(path[0].startswith(f"{point}/") for point in points):
                    found.add(pid)
                    break
    return found


def end(pid: int, namespace: Namespace) -> None:
    """Ends a process, if it is (still) one of the namespace."""
    with suppress(*_GONE):
        handle = os.pidfd_open(pid)
        try:
            if _namespace_of(pid) == namespace.number:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def first_process(namespace: Namespace) -> int | None:
    """The sandbox's first process, with which all of it ends."""
    for pid in _living(namespace):
        with suppress(*_GONE):
            inside = re.search(r"^NSpid:.*\s(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            if inside is not None and inside[1] == "1":
                return pid
    return None


def _living(namespace: Namespace) -> Iterator[int]:
    """Who lives in the namespace now, also who came later."""
    for pid in processes():
        with suppress(*_GONE):
            if _namespace_of(pid) == namespace.number:
                yield pid


def _holds(pid: int, numbers: frozenset[int]) -> bool:
    # Each thread can have descriptors and a working folder of its own.
    with suppress(*_GONE):
        for task in Path(f"/proc/{pid}/task").iterdir():
            if _works_in(task) in numbers or any(number in numbers for number in _opened(task)):
                return True
    return False


def _opened(task: Path) -> Iterator[int]:
    with suppress(*_GONE):
        for descriptor in (task / "fdinfo").iterdir():
            with suppress(*_GONE):
                yield _mount_number(descriptor.read_text())


def _works_in(task: Path) -> int:
    with suppress(*_GONE):
        folder = os.open(task / "cwd", os.O_PATH | os.O_CLOEXEC)
        try:
            return _mount_number(Path(f"/proc/self/fdinfo/{folder}").read_text())
        finally:
            os.close(folder)
    return -1


def _mount_number(text: str) -> int:
    found = re.search(r"^mnt_id:\s*(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found is not None else -1


def _namespace_of(pid: int | str) -> int:
    return Path(f"/proc/{pid}/ns/mnt").stat().st_ino
