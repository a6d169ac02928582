"""The control groups that count the memory of the service and of its sessions, which inherit them.

A limit of theirs bounds what there is as much as the machine does: in a container, or below a unit of systemd with
``MemoryMax``. See the kernel's admin guide, "Control Group v2" and "Memory Resource Controller".
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

# Of version 2 and of version 1: what may be had, what is had, and the pages of files among that which nobody has used
# of late. These the kernel takes back before it ends anything; the kubelet doesn't count them either.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
_STAT = "memory.stat"
_NO_LIMIT = 2**60
"""Version 1 tells a number also where there is none: the most that its counters take."""


class MemoryGroups:
    """The groups that this process is in.

    Args:
        proc: Where the kernel tells of processes.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._told: str | None = None
        self._chains: list[list[Path]] = []

    @property
    def chains(self) -> list[list[Path]]:
        """For each hierarchy that may count memory: the folder of this process's group, and of those above."""
        try:
            told = (self._proc / "self" / "cgroup").read_text()
        except OSError:
            told = ""
        if told != self._told:
            # A process can be put into another group while it runs; where they are seen changes with none.
            self._told, self._chains = told, _chains(self._proc, told)
        return self._chains

    def limit(self) -> int | None:
        """The most that the group may have, with those above it, in bytes; ``None`` for no limit."""
        return min((limit for _, limit, _, _ in self._limited()), default=None)

    def left(self) -> int | None:
        """What can be had of it now, in bytes; ``None`` where nothing limits it."""
        rooms = []
        for group, limit, usage, unused in self._limited():
            if (used := _number(group / usage)) is not None:
                rooms.append(limit - max(0, used - _counted(group / _STAT, unused)))
        return min(rooms, default=None)

    def _limited(self) -> list[tuple[Path, int, str, str]]:
        return [
            (group, limit, usage, unused)
            for chain in self.chains
            for group in chain
            for name, usage, unused in _FILES
            if (limit := _number(group / name)) is not None and limit < _NO_LIMIT
        ]


def _chains(proc: Path, told: str) -> list[list[Path]]:
    try:
        own = [line.split(":", 2) for line in told.splitlines()]
        paths = {kind: path for number, controllers, path in own if (kind := _kind(number, controllers.split(",")))}
        mounts = [line.split(" ") for line in (proc / "self" / "mountinfo").read_text().splitlines()]
        # https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: root, place, … "-", kind, source, options.
        seen = [(mount[3], Path(mount[4]), mount[mount.index("-") + 1 :]) for mount in mounts]
    except (OSError, ValueError, IndexError):
        return []
    return [
        _with_those_above(place, root, paths[kind])
        for root, place, (kind, *more) in seen
        if kind in paths and (kind == "cgroup2" or "memory" in more[-1].split(","))
    ]


def _kind(number: str, controllers: list[str]) -> str:
    """The kind of file system in which a group that may count memory is seen; empty for any other."""
    if number == "0" and controllers == [""]:
        return "cgroup2"
    return "cgroup" if "memory" in controllers else ""


def _with_those_above(place: Path, root: str, path: str) -> list[Path]:
    # In a container the path can be one of the host, and the group itself be what is mounted.
    inside = PurePosixPath(path)
    below = inside.relative_to(root) if inside.is_relative_to(root) and ".." not in inside.parts else PurePosixPath()
    group = place / below if (place / below).is_dir() else place
    return [group, *(folder for folder in group.parents if folder.is_relative_to(place))]


def _number(file: Path) -> int | None:
    """A size in bytes; ``None`` for ``max``, and for what can't be read."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _counted(file: Path, name: str) -> int:
    """What stands in a line of ``file`` behind ``name``; 0 where that can't be read."""
    try:
        counts = dict(line.split() for line in file.read_text().splitlines())
        return int(counts[name])
    except (OSError, ValueError, LookupError):
        return 0
