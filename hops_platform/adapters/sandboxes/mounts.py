"""What is mounted in the sandboxes of this machine, and which processes hold it: read from ``/proc``."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hops_contract.shares import Identity

_PROC = Path("/proc")
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_TRIES = 20
"""To find a thread that has not ended while it was looked at."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhabitant:
    """A process of a sandbox.

    Attributes:
        pid: Its id on this machine.
        namespace: The number of its mount namespace.
    """

    pid: int
    namespace: int


def namespaces() -> list[Namespace]:
    """All but this process's own that this user can look into."""
    found: dict[int, list[int]] = defaultdict(list)
    own = _namespace_of(os.getpid())
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
    found = [one for one in _mounts_of(namespace) if _is_at_or_below(one.point, folder)]
    return [_look(namespace, one) for one in found]


def identity_at(folder: Path) -> Identity | None:
    """What lies at a path of this process's; ``None`` where nothing does."""
    try:
        status = folder.stat(follow_symlinks=False)
    except OSError:
        return None
    return Identity(device=status.st_dev, inode=status.st_ino)


def _mounts_of(namespace: Namespace) -> list[Mounted]:
    for pid in namespace.processes:
        try:
            lines = (thread_of(pid) / "mountinfo").read_text(errors="surrogateescape").splitlines()
            if _namespace_of(pid) == namespace.number:
                return list(parse(lines))
        except _GONE:
            continue
        except OSError as error:
            # So the kernel answers for a process that is just ending: it is in no namespace any more.
            if error.errno != errno.EINVAL:
                raise
    return []


def _is_at_or_below(point: str, folder: str) -> bool:
    return point == folder or point.startswith(f"{folder}/")


def parse(lines: Sequence[str]) -> Iterator[Mounted]:
    """The mounts of ``/proc/<pid>/mountinfo``, without what is seen there."""
    for line in lines:
        fields = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        yield Mounted(number=int(fields[0]), point=point, writes="ro" not in fields[5].split(","), identity=None)


def _look(namespace: Namespace, mounted: Mounted) -> Mounted:
    for pid in namespace.processes:
        with suppress(OSError):
            status = Path(f"{thread_of(pid)}/root{mounted.point}").stat()
            identity = Identity(device=status.st_dev, inode=status.st_ino)
            return Mounted(number=mounted.number, point=mounted.point, writes=mounted.writes, identity=identity)
    return mounted


def inhabitants(folder: str) -> list[Inhabitant]:
    """All processes of all sandboxes that show something at ``folder`` or below it."""
    return [
        Inhabitant(pid=pid, namespace=namespace.number)
        for namespace in namespaces()
        if any(_is_at_or_below(one.point, folder) for one in _mounts_of(namespace))
        for pid in namespace.processes
    ]


def holders(people: Iterable[Inhabitant], numbers: frozenset[int]) -> set[Inhabitant]:
    """Who has something of these detached mounts open, or works in it: descriptors and working folders of all threads.

    A detached mount lives on as long as somebody holds it, and through an open folder all of it can be reached, also
    by a process of another sandbox that the folder was handed to.
    """
    found = {one: held for one in people if (held := _held(one.pid, numbers))}
    if not found:
        return set()
    # The number of a mount that nobody holds any more is given to the next one, in whichever sandbox.
    attached = {one.number for namespace in namespaces() for one in _mounts_of(namespace)}
    return {one for one, held in found.items() if held - attached}


def writers(people: Iterable[Inhabitant], number: int, point: str) -> set[Inhabitant]:
    """Who has a file of an attached mount open for writing, or in its memory in a way that writes it."""
    return {one for one in people if _writes(one.pid, number, point)}


def _writes(pid: int, number: int, point: str) -> bool:
    with suppress(*_GONE):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for descriptor in (task / "fdinfo").iterdir():
                with suppress(*_GONE):
                    text = descriptor.read_text()
                    if _mount_number(text) == number and _is_for_writing(text):
                        return True
    return any(mode.endswith("s") and path.startswith(f"{point}/") for mode, _, _, path in _mapped_how(pid))


def _is_for_writing(text: str) -> bool:
    found = re.search(r"^flags:\s*([0-7]+)$", text, re.MULTILINE)
    # O_PATH gives no right at all.
    return found is not None and bool(int(found[1], 8) & (os.O_WRONLY | os.O_RDWR)) and not int(found[1], 8) & os.O_PATH


def mappers(people: Iterable[Inhabitant], points: Sequence[str]) -> set[Inhabitant]:
    """Who has a file below one of the points in its memory; known only as long as the mount is attached.

    The kernel names files by where their mount is attached, also to a process of another sandbox.
    """
    return {
        one
        for one in people
        if any(path.startswith(f"{point}/") for _, _, path in _mapped(one.pid) for point in points)
    }


def late_mappers(people: Iterable[Inhabitant], folders: Sequence[int]) -> set[Inhabitant]:
    """Who has a file of a detached mount in its memory.

    The kernel names such a file by its path within the mount; by that, and its device and inode, it is known.

    Args:
        people: Where to look.
        folders: Descriptors of what was mounted.
    """
    devices = {os.fstat(folder).st_dev for folder in folders}
    known: dict[tuple[int, int, str], bool] = {}

    def is_in_one(file: tuple[int, int, str]) -> bool:
        if file[0] not in devices:
            return False
        if file not in known:
            known[file] = any(_is_in(folder, file) for folder in folders)
        return known[file]

    return {one for one in people if any(is_in_one(file) for file in _mapped(one.pid))}


def open_mounted(namespace: Namespace, point: str) -> int | None:
    """The descriptor, without rights, of what is mounted at ``point``; ``None`` where it can't be reached."""
    for pid in namespace.processes:
        with suppress(OSError):
            flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(f"{thread_of(pid)}/root{point}", flags)
    return None


def end(one: Inhabitant) -> None:
    """Ends a process, if it is (still) one of its namespace."""
    with suppress(*_GONE):
        handle = os.pidfd_open(one.pid)
        try:
            if _namespace_of(one.pid) == one.namespace:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def first_process(namespace: int) -> Inhabitant | None:
    """The first process of the sandbox with this number, with which all of it ends."""
    for pid in _living(namespace):
        if number_inside(pid) == 1:
            return Inhabitant(pid=pid, namespace=namespace)
    return None


def number_inside(pid: int) -> int | None:
    """The number that a process has in its sandbox; ``None`` if it has ended."""
    with suppress(*_GONE):
        inside = re.search(r"^NSpid:.*\s(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return None if inside is None else int(inside[1])
    return None


def _living(namespace: int) -> Iterator[int]:
    """Who lives in the namespace now, also who came later."""
    for pid in processes():
        with suppress(*_GONE):
            if _namespace_of(pid) == namespace:
                yield pid


def _held(pid: int, numbers: frozenset[int]) -> set[int]:
    # Each thread can have descriptors and a working folder of its own.
    held: set[int] = set()
    with suppress(*_GONE):
        for task in Path(f"/proc/{pid}/task").iterdir():
            held.update(numbers.intersection((_works_in(task, "cwd"), _works_in(task, "root"), *_opened(task))))
    return held


def _mapped(pid: int) -> Iterator[tuple[int, int, str]]:
    """Device, inode and path of the files in a process's memory."""
    yield from ((device, inode, path) for _, device, inode, path in _mapped_how(pid))


def _mapped_how(pid: int) -> Iterator[tuple[str, int, int, str]]:
    """The same, and in which way before it: ``rw-s``."""
    with suppress(*_GONE):
        for line in (thread_of(pid) / "maps").read_text(errors="surrogateescape").splitlines():
            _, mode, _, device, inode, *path = line.split(None, 5)
            if path and path[0].startswith("/"):
                major, _, minor = device.partition(":")
                yield mode, os.makedev(int(major, 16), int(minor, 16)), int(inode), path[0]


def _is_in(folder: int, file: tuple[int, int, str]) -> bool:
    device, inode, path = file
    try:
        status = os.stat(path.lstrip("/"), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (device, inode)


def _opened(task: Path) -> Iterator[int]:
    with suppress(*_GONE):
        for descriptor in (task / "fdinfo").iterdir():
            with suppress(*_GONE):
                yield _mount_number(descriptor.read_text())


def _works_in(task: Path, kind: str) -> int:
    with suppress(*_GONE):
        folder = os.open(task / kind, os.O_PATH | os.O_CLOEXEC)
        try:
            return _mount_number(Path(f"/proc/self/fdinfo/{folder}").read_text())
        finally:
            os.close(folder)
    return -1


def _mount_number(text: str) -> int:
    found = re.search(r"^mnt_id:\s*(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found is not None else -1


def thread_of(pid: int) -> Path:
    """The folder in ``/proc`` of a thread of a process that runs: its first, or where that has ended another.

    Of a first thread that has ended nothing is told any more, neither where it was nor what it had, and the others run
    on: code that wants to be overlooked ends it.

    Raises:
        FileNotFoundError: The process has ended.
        PermissionError: It is another user's.
    """
    first = _PROC / str(pid)
    for _ in range(_TRIES):
        if _is_in_a_namespace(first):
            return first
        others = [one for one in (first / "task").iterdir() if one.name != first.name]
        if not others:
            break
        for thread in others:
            if _is_in_a_namespace(thread):
                return thread
    raise FileNotFoundError(pid)


def _is_in_a_namespace(thread: Path) -> bool:
    try:
        (thread / "ns" / "mnt").stat()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _namespace_of(pid: int) -> int:
    return (thread_of(pid) / "ns" / "mnt").stat().st_ino
