"""Sandboxes of this machine (see :mod:`hops_contract.shares`)."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, timedelta
from pathlib import Path

from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, find_program
from hops_contract.shares import (
    ACCEPTED,
    NEXT_START,
    NO_LONGER,
    SHARED,
    SharedDataset,
    identity_of,
    markers,
    open_dataset,
    read_shared,
    view_of,
    write_shared,
)
from hops_platform.adapters.disk import full_disk_told
from hops_platform.adapters.sandboxes import entering
from hops_platform.adapters.sandboxes.full import FullProjects
from hops_platform.adapters.sandboxes.mounts import (
    Inhabitant,
    Mounted,
    Namespace,
    end,
    first_process,
    holders,
    identity_at,
    inhabitants,
    late_mappers,
    mappers,
    mounted_from,
    namespaces,
    open_mounted,
    thread_of,
)
from hops_platform.engines.sandboxes import EndedShare, Ending, FullProject, VisibleDataset
from hops_platform.errors import EngineUnavailableError

LOG = logging.getLogger("hops.sandboxes")
_PATIENCE_S = 20.0
_ROUNDS = 20
_PAUSE_S = 0.05
_NOTES_KEPT = timedelta(days=30)
_NO_LONGER_TEXT = (
    "The dataset {dataset!r} of the project {project!r} is no longer shared with this project{how}.\n{remedy}\n"
)
_HOW = {
    Ending.REVOKED: ": a Data Owner of {project!r} ended the share {when}",
    Ending.GIVEN_BACK: ": a Data Owner of this project gave it back {when}",
    Ending.WITHDRAWN: ": a Data Owner of {project!r} withdrew it from those who had added it {when}",
    Ending.DATASET_DELETED: ": a Data Owner of {project!r} deleted it {when}",
    Ending.PROJECT_DELETED: ": the project {project!r} was deleted {when}",
}
_REMEDY = "Ask a Data Owner of {project!r} to share it again, or use data of your own project."
_REMEDIES = {
    None: "Ask a Data Owner of {project!r}, or of this project, who can see who ended it.",
    Ending.PROJECT_DELETED: "It is seen here again if that project is restored; its Data Owners can do that.",
}
_NEXT_START_TEXT = (
    "The dataset {dataset!r} of the project {project!r} is shared with this project.\n"
    "It is seen here in notebook servers and Spark sessions that start from now on: start this one again.\n"
)


class LocalSandboxes:
    """Sandboxes of this machine, found by what is mounted in them: neither the Hub nor the session service is asked.

    Args:
        home: The platform's home.
        mountable: The datasets that lie on this machine's disk; ``None``: all. No other is mounted anywhere.
    """

    def __init__(self, home: Home, *, mountable: Collection[str] | None = None) -> None:
        self._home = home
        self._mountable = mountable
        self._lock = threading.Lock()
        self._full = FullProjects(home, _do_in)

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.sandboxes.Sandboxes`."""
        try:
            return f"bubblewrap, {Path(find_program()).name}"
        except SandboxError as error:
            raise EngineUnavailableError(f"Servers and sessions run without sandboxes: {error}") from error

    def settle(self, project: str, visible: Sequence[VisibleDataset], ended: Sequence[EndedShare] = ()) -> None:
        """See :class:`~hops_platform.engines.sandboxes.Sandboxes`."""
        shared = [
            SharedDataset(id=one.id, project=one.project, dataset=one.dataset, writes=one.writes)
            for one in visible
            if self._mountable is None or one.dataset in self._mountable
        ]
        with self._lock:
            if not shared and not self._home.shares(project).exists():
                return
            with full_disk_told():
                self._write(project, shared, ended)
            # After that: a sandbox that is being made either looks at what was written, or is found here.
            self._settle(project, shared)

    def settle_full(self, full: Sequence[FullProject]) -> None:
        """See :class:`~hops_platform.engines.sandboxes.Sandboxes`."""
        with self._lock:
            self._full.settle(full)

    def _write(self, project: str, shared: Sequence[SharedDataset], ended: Sequence[EndedShare]) -> None:
        view, accepted = view_of(self._home, project), view_of(self._home, project) / ACCEPTED
        accepted.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = {one.path: one for one in read_shared(self._home, project)}
        now = {one.path: one for one in shared}
        write_shared(self._home, project, shared)
        standing = frozenset[str]().union(*map(markers, shared))
        for file in accepted.iterdir():
            if file.name not in standing:
                file.unlink()
        told = {f"{one.project}/{one.dataset}": one for one in ended}
        for path, gone in before.items():
            if path not in now and path not in told:
                _note(view, path, NO_LONGER, no_longer_text(gone.project, gone.dataset))
        # Also where it is gone already: another change may have been first to see it gone, without knowing how it came.
        for path, share in told.items():
            if path not in now and (path in before or (view / path / NO_LONGER).exists()):
                _note(view, path, NO_LONGER, no_longer_text(share.project, share.dataset, share))
        for one in shared:
            text = _NEXT_START_TEXT.format(project=one.project, dataset=one.dataset)
            _note(view, one.path, NEXT_START, text)
            for name in markers(one):
                (accepted / name).touch(mode=0o600)
        _forget_old(view, keep=now)

    def _settle(self, project: str, shared: Sequence[SharedDataset]) -> None:
        point = f"{self._home.project(project)}/{SHARED}"
        wanted = {f"{point}/{one.path}": one for one in shared}
        gone: dict[Namespace, list[Mounted]] = {}
        missing: list[tuple[Namespace, str]] = []
        for namespace in namespaces():
            found = mounted_from(namespace, str(self._home.project(project)))
            views = self._views(project, point, found)
            # What lies at its place counts also where the folder above it has gone.
            below = [one for one in found if any(one.point.startswith(f"{view}/") for view in (point, *views))]
            leaving = [one for one in below if not self._may_stay(one, wanted)]
            if leaving:
                gone[namespace] = leaving
            if point in views:
                kept = {one.point for one in below} - {one.point for one in leaving}
                missing += [(namespace, place) for place in sorted(wanted.keys() - kept)]
        if gone:
            self._take_away(project, gone)
        for namespace, place in missing:
            self._show(namespace, place, wanted[place])

    def _views(self, project: str, point: str, found: Sequence[Mounted]) -> set[str]:
        """Where a sandbox of a project shows other projects' datasets; nowhere if it is none of this project.

        Code that sees nothing mounted there can move that folder aside, in all sandboxes: it is known by what it is.
        """
        view = identity_at(view_of(self._home, project))
        return {one.point for one in found if one.point == point or (view is not None and one.identity == view)}

    def _take_away(self, project: str, gone: Mapping[Namespace, Sequence[Mounted]]) -> None:
        points = {namespace: sorted({one.point for one in mounts}) for namespace, mounts in gone.items()}
        places = sorted({place for its in points.values() for place in its})
        numbers = frozenset(one.number for mounts in gone.values() for one in mounts)
        with _opened(points) as folders:
            # Whose memory holds files is told by their paths, which are known as long as they are mounted.
            held = mappers(self._inhabitants(), places)
            stuck = [
                namespace
                for namespace, its in points.items()
                if not _enter(namespace, "detach", its) or self._are_left(namespace, numbers)
            ]
            LOG.info("taken away from running sandboxes of %s: %s", project, ", ".join(places))
            for namespace in stuck:
                self._end_sandbox(namespace.number)
            for one in held:
                end(one)
            if left := self._end_holders(numbers, folders):
                for number in {one.namespace for one in left}:
                    self._end_sandbox(number)
                left = self._end_holders(numbers, folders)
        if left or {one.number for one in stuck} & {one.number for one in namespaces()}:
            raise EngineUnavailableError(
                f"A sandbox of {project!r} still shows a dataset that is no longer shared.",
                remedy="It is tried again by itself; stop its servers and sessions if this stays so.",
            )

    def _are_left(self, namespace: Namespace, numbers: frozenset[int]) -> bool:
        """Whether one of these is mounted still: its folder may have moved while it was looked for."""
        return any(one.number in numbers for one in mounted_from(namespace, str(self._home.projects)))

    def _inhabitants(self) -> list[Inhabitant]:
        """Tenants' processes in all sandboxes of the platform: a folder can be handed to any of them."""
        return inhabitants(str(self._home.root))

    def _end_holders(self, numbers: frozenset[int], folders: Sequence[int]) -> set[Inhabitant]:
        """Ends who holds what was taken away; who does so still."""
        found: set[Inhabitant] = set()
        for _ in range(_ROUNDS):
            people = self._inhabitants()
            found = holders(people, numbers) | late_mappers(people, folders)
            if not found:
                break
            for one in found:
                LOG.info("process %d is ended: it held a dataset that is no longer shared", one.pid)
                end(one)
            time.sleep(_PAUSE_S)
        return found

    def _show(self, namespace: Namespace, place: str, shared: SharedDataset) -> None:
        """Mounts a dataset in a running sandbox. Where a kernel does not do that, it is seen from the next start on."""
        with suppress(OSError), open_dataset(self._home, shared.project, shared.dataset) as folder:
            mode = "write" if shared.writes else "read"
            _enter(namespace, "attach", [place, str(folder), mode], descriptors=(folder,))

    def _may_stay(self, mounted: Mounted, allowed: Mapping[str, SharedDataset]) -> bool:
        shared = allowed.get(mounted.point)
        if shared is None or (mounted.writes and not shared.writes):
            return False
        # One that was deleted and made again under its old name is another.
        return mounted.identity is not None and mounted.identity == identity_of(
            self._home, shared.project, shared.dataset
        )

    def _end_sandbox(self, number: int) -> None:
        LOG.warning("a sandbox is ended: a dataset that is no longer shared could not be taken away")
        first = first_process(number)
        if first is not None:
            end(first)
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until and any(one.number == number for one in namespaces()):
            time.sleep(_PAUSE_S)


@contextmanager
def _opened(points: Mapping[Namespace, Sequence[str]]) -> Iterator[list[int]]:
    """What is mounted at the points, as far as it can be reached; as long as it is open no mount gets its number."""
    with ExitStack() as stack:
        folders = []
        for namespace, places in points.items():
            for place in places:
                folder = open_mounted(namespace, place)
                if folder is not None:
                    stack.callback(os.close, folder)
                    folders.append(folder)
        yield folders


def _enter(namespace: Namespace, verb: str, words: Sequence[str], *, descriptors: Sequence[int] = ()) -> bool:
    """Lets something be done in a namespace; whether it is done, or there is nothing to do any more."""
    return _do_in(namespace, verb, words, descriptors=descriptors) == 0


def _do_in(namespace: Namespace, verb: str, words: Sequence[str], *, descriptors: Sequence[int] = ()) -> int:
    """The same; the exit status of :mod:`.entering`, 0 also where nobody is there any more."""
    for pid in namespace.processes:
        try:
            thread = thread_of(pid)
        except OSError:
            continue
        command = [sys.executable, "-I", "-S", entering.__file__, verb, str(thread), str(namespace.number), *words]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={},
                pass_fds=descriptors,
                timeout=_PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            LOG.exception("the program that enters sandboxes does not run")
            return 1
        if done.returncode == entering.GONE:
            continue
        if done.returncode not in (0, entering.BUSY):
            LOG.warning("%s in a sandbox: %s", verb, done.stderr.decode(errors="replace").strip()[:100])
        return done.returncode
    # Who was there has ended; who came since is there nevertheless.
    return int(any(one.number == namespace.number for one in namespaces()))


def no_longer_text(project: str, dataset: str, ended: EndedShare | None = None) -> str:
    """What is said in the place of a dataset that is no longer shared: a sentence, and what to do.

    Args:
        project: Who owns it.
        dataset: Its name.
        ended: How that came; ``None`` where nobody knows.
    """
    ending = None if ended is None else ended.ending
    when = "" if ended is None else f"on {ended.at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"
    how = "" if ending is None else _HOW[ending].format(project=project, when=when)
    remedy = _REMEDIES.get(ending, _REMEDY).format(project=project)
    return _NO_LONGER_TEXT.format(project=project, dataset=dataset, how=how, remedy=remedy)


def _note(view: Path, path: str, name: str, text: str) -> None:
    """Makes the place of a dataset, and says in it what is seen where the dataset is not."""
    place = view / path
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in {NEXT_START, NO_LONGER} - {name}:
        (place / other).unlink(missing_ok=True)
    (place / name).write_text(text, encoding="utf-8")


def _forget_old(view: Path, *, keep: Mapping[str, SharedDataset]) -> None:
    """Removes the notes of what ended long ago; a place that is still mounted over somewhere stays there unseen."""
    oldest = time.time() - _NOTES_KEPT.total_seconds()
    for note in view.glob(f"*/*/{NO_LONGER}"):
        place = note.parent
        with suppress(OSError):
            if str(place.relative_to(view)) not in keep and note.stat().st_mtime < oldest:
                note.unlink()
                place.rmdir()
                place.parent.rmdir()
