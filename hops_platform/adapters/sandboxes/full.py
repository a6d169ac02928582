"""The files of full projects in running sandboxes: read only, from outside, until the project has room again.

A mount is told by what is seen in it, and changed by the kernel's number of it, never by a path alone: code of a
project can move the folder that others' datasets are shown below, and put a link in its place.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hops_contract.keeper.limits import told_text
from hops_contract.layout import Home
from hops_contract.private_files import write_private
from hops_contract.servers import why_limited_file
from hops_contract.shares import SHARED, Identity, SharedDataset, identity_of, read_shared
from hops_contract.slugs import is_slug
from hops_platform.adapters.sandboxes import entering
from hops_platform.adapters.sandboxes.mounts import (
    Mounted,
    Namespace,
    end,
    first_process,
    identity_at,
    inhabitants,
    mounted_from,
    namespaces,
    number_inside,
    writers,
)
from hops_platform.engines.sandboxes import FullProject

LOG = logging.getLogger("hops.sandboxes")
_ROUNDS = 20
_PAUSE_S = 0.05
_TOLD_S = 60.0
"""So long it is said why something was ended: whoever asks why theirs ended asks soon."""
_LOOK_AFTER_S = 600.0
"""A sandbox that was let start as that of a full project may come so much later, when the project has room again."""

Enter = Callable[[Namespace, str, Sequence[str]], int]
"""Does something in a namespace; the exit status of :mod:`.entering`."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Files of a project, as they are mounted in a sandbox."""

    namespace: Namespace
    mounted: Mounted
    owner: str
    may_be_written: bool

    @property
    def words(self) -> tuple[str, str]:
        """As :mod:`.entering` is told of it."""
        return str(self.mounted.number), self.mounted.point


class FullProjects:
    """Holds running sandboxes of this machine to what the quota of storage leaves.

    Args:
        home: The platform's home.
        enter: See :data:`Enter`.
    """

    def __init__(self, home: Home, enter: Enter) -> None:
        self._home = home
        self._enter = enter
        self._look_until = time.monotonic() + _LOOK_AFTER_S
        self._told: dict[Path, float] = {}

    def settle(self, full: Sequence[FullProject]) -> None:
        """See :class:`~hops_platform.engines.sandboxes.Sandboxes`."""
        self._forget()
        if full:
            self._look_until = time.monotonic() + _LOOK_AFTER_S
        elif time.monotonic() > self._look_until:
            return
        whys = {one.project: one.ends for one in full}
        shares = cache(self._shares)  # of one look: each sandbox of a project shows the same
        for namespace in namespaces():
            seen = list(self._seen(namespace, shares))
            freed = [one for one in seen if one.owner not in whys and one.may_be_written and not one.mounted.writes]
            if freed:
                self._change(namespace, "write", freed)
            held = [one for one in seen if one.owner in whys and one.mounted.writes]
            if held and self._change(namespace, "read", held) == entering.BUSY:
                for one in held:
                    if why := whys[one.owner]:
                        self._end_writers(one, why)

    def _seen(self, namespace: Namespace, shares: Callable[[str], Mapping[Identity, SharedDataset]]) -> Iterator[_Seen]:
        root = f"{self._home.projects}/"
        for mounted in mounted_from(namespace, str(self._home.projects)):
            parts = mounted.point.removeprefix(root).split("/")
            if not is_slug(parts[0]):
                continue
            if len(parts) == 1 and mounted.identity == identity_at(self._home.project(parts[0])):
                yield _Seen(namespace, mounted, parts[0], may_be_written=True)
            elif mounted.identity is not None and (share := shares(parts[0]).get(mounted.identity)) is not None:
                # Code that sees nothing mounted there can move the folder aside: what is elsewhere is only held.
                in_place = parts[1:] == [SHARED, share.project, share.dataset]
                yield _Seen(namespace, mounted, share.project, may_be_written=share.writes and in_place)

    def _shares(self, project: str) -> Mapping[Identity, SharedDataset]:
        """The datasets of other projects that a project may see, by what is seen of them."""
        found: dict[Identity, SharedDataset] = {}
        for share in read_shared(self._home, project):
            if (identity := identity_of(self._home, share.project, share.dataset)) is not None:
                found.setdefault(identity, share)
        return found

    def _change(self, namespace: Namespace, verb: str, changed: Sequence[_Seen]) -> int:
        status = self._enter(namespace, verb, [word for one in changed for word in one.words])
        if status == 0:
            owners = ", ".join(sorted({one.owner for one in changed}))
            LOG.info("a running sandbox may %s the files of %s from now on", verb, owners)
        return status

    def _end_writers(self, seen: _Seen, why: str) -> None:
        """Ends who has files open for writing, or the whole sandbox where nobody is found; then they are only read."""
        number, point = seen.mounted.number, seen.mounted.point
        ended: dict[int, set[int]] = defaultdict(set)
        for _ in range(_ROUNDS):
            if not (found := writers(inhabitants(str(self._home.root)), number, point)):
                break  # it may be on its way from one process to another, where nobody finds it
            for one in found:
                LOG.warning("process %d is ended: it has a file of the full project %s open", one.pid, seen.owner)
                # Before its end: who sees that looks for the reason, and for who was ended.
                if (inside := number_inside(one.pid)) is not None:
                    ended[one.namespace].add(inside)
                self._tell(one.namespace, why, ended[one.namespace])
                end(one)
            time.sleep(_PAUSE_S)
            if self._enter(seen.namespace, "read", seen.words) != entering.BUSY:
                return
        if self._enter(seen.namespace, "read", seen.words) != entering.BUSY or not self._is_there(seen):
            return
        first = first_process(seen.namespace.number)
        if first is not None:
            LOG.warning("a sandbox is ended: it holds files of the full project %s open", seen.owner)
            self._tell(seen.namespace.number, why, (1,))
            end(first)

    def _is_there(self, seen: _Seen) -> bool:
        """Whether it is still mounted, wherever that is now."""
        mounts = mounted_from(seen.namespace, str(self._home.projects))
        return any(one.number == seen.mounted.number for one in mounts)

    def _tell(self, number: int, why: str, ended: Collection[int]) -> None:
        """Leaves the reason where it is looked for when something of a sandbox has ended, as its keeper does.

        Args:
            number: Of the sandbox's namespace.
            why: The reason.
            ended: The processes, by their numbers in the sandbox; its first where all of it ends.
        """
        for namespace in namespaces():
            if namespace.number == number:
                for file in told_files(self._home, [one.point for one in mounted_from(namespace, str(self._home.run))]):
                    with suppress(OSError):
                        write_private(file, told_text(why, ended))
                        self._told[file] = time.monotonic() + _TOLD_S

    def _forget(self) -> None:
        for file, until in list(self._told.items()):
            if time.monotonic() > until:
                file.unlink(missing_ok=True)
                del self._told[file]


def told_files(home: Home, points: Sequence[str]) -> list[Path]:
    """Where it is told why something of a sandbox was ended, by what of the platform's is mounted in it."""
    found = []
    for point in map(Path, points):
        if point.parent == home.run / "servers" and why_limited_file(point).parent.is_dir():
            found.append(why_limited_file(point))
        elif point.parent == home.run / "sessions" and point.name.isdecimal():
            found.append(point.with_name(f"{point.name}.limited"))
    return found
