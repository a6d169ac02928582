"""Datasets in two places: most on a product reached over the network, some on the machine's disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from hops_contract.layout import Home
from hops_platform.adapters.storage.crossing import Crossing
from hops_platform.adapters.storage.local_uploads import Deliver
from hops_platform.adapters.storage.stored_files import make_way
from hops_platform.adapters.storage.trees import PIECE, Tree, path_of
from hops_platform.engines.files import (
    Copied,
    Entry,
    Listing,
    NewUpload,
    OpenedFile,
    ProjectArchives,
    ProjectFiles,
    TrashItem,
)
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place
from hops_platform.errors import ConflictError, NotFoundError


def deliver_to(tree: Tree, on_machine: Collection[str]) -> Deliver:
    """How a whole upload gets to a tree: in one stream, and it appears when all of it is there."""

    def deliver(data: Path, wanted: NewUpload, leave: Leave) -> Entry | None:
        target = wanted.target
        if target.dataset in on_machine:
            return None
        target.parent  # noqa: B018 - a dataset's own folder is no file
        make_way(tree, target)
        with tree.draft(path_of(target), replaces=wanted.replace) as draft, data.open("rb") as file:
            tree.put(draft.path, iter(partial(file.read, PIECE), b""), size=wanted.size, ready=leave.check)
            draft.appear()
        return tree.stat(path_of(target)).entry

    return deliver


class SplitFiles:
    """Each call goes where its dataset lies.

    Args:
        here: The machine's disk.
        there: The product.
        on_machine: The datasets that lie on the machine's disk.
        tree: What ``there`` is kept on.
        home: The platform's home, where ``here`` is kept.
    """

    def __init__(
        self, here: ProjectFiles, there: ProjectFiles, on_machine: Collection[str], *, tree: Tree, home: Home
    ) -> None:
        self._here = here
        self._there = there
        self._out = Crossing(here, tree=tree, home=home)
        self._in = Crossing(there, tree=None, home=home)
        self._on_machine = frozenset(on_machine)

    def list_folder(self, place: Place, *, limit: int, after: str | None = None) -> Listing:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._of(place).list_folder(place, limit=limit, after=after)

    def stat(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._of(place).stat(place)

    def open_file(self, place: Place) -> OpenedFile:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._of(place).open_file(place)

    def make_folder(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._of(place).make_folder(place)

    def move(self, source: Place, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`; between the two places nothing is moved."""
        check_same_place(source, target, self._on_machine, "moved", "Copy it, then delete it.")
        return self._of(source).move(source, target)

    def moves_slowly(self, project: str, what: Place | UUID | None, *, into: str | None = None) -> bool:
        """See :class:`~hops_platform.engines.files.ProjectFiles`; on the machine's disk no move does."""
        files = self._of(what) if isinstance(what, Place) else self._there
        return files.moves_slowly(project, what, into=into)

    def copy(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        here, there = (place.dataset in self._on_machine for place in (source, target))
        copy = self._of(source).copy if here == there else (self._out if here else self._in).copy
        return copy(source, target, most_entries=most_entries, most_bytes=most_bytes, leave=leave)

    def trash(self, place: Place, *, by: str) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._of(place).trash(place, by=by)

    def trash_dataset(self, place: Place, *, item: UUID, description: str, by: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._of(place).trash_dataset(place, item=item, description=description, by=by)

    def list_trash(self, project: str, *, limit: int, before: UUID | None = None) -> Sequence[TrashItem]:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        both = [
            *self._here.list_trash(project, limit=limit, before=before),
            *self._there.list_trash(project, limit=limit, before=before),
        ]
        return sorted(both, key=lambda one: one.id.hex, reverse=True)[:limit]

    def find_in_trash(self, project: str, item: UUID) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        with suppress(NotFoundError):
            return self._here.find_in_trash(project, item)
        return self._there.find_in_trash(project, item)

    def restore(self, project: str, item: UUID, *, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        found = self.find_in_trash(project, item)
        source = Place(project, found.dataset)
        remedy = "Restore it where it was, then copy it."
        check_same_place(source, target, self._on_machine, "restored", remedy)
        return self._of(target).restore(project, item, target=target)

    def restore_dataset(self, place: Place, *, item: UUID) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._of(place).restore_dataset(place, item=item)

    def measure(self, project: str) -> int:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._here.measure(project) + self._there.measure(project)

    def empty_trash(self, project: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._here.empty_trash(project)
        self._there.empty_trash(project)

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._here.sweep(before=before)
        self._there.sweep(before=before)

    def _of(self, place: Place) -> ProjectFiles:
        return self._here if place.dataset in self._on_machine else self._there


class SplitArchives:
    """Each call goes where its datasets lie.

    Args:
        here: The machine's disk.
        there: The product.
        on_machine: The datasets that lie on the machine's disk.
    """

    def __init__(self, here: ProjectArchives, there: ProjectArchives, on_machine: Collection[str]) -> None:
        self._here = here
        self._there = there
        self._on_machine = frozenset(on_machine)

    def pack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        call = self._of(source, target, "packed").pack
        return call(source, target, most_entries=most_entries, most_bytes=most_bytes, leave=leave)

    def unpack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        call = self._of(source, target, "unpacked").unpack
        return call(source, target, most_entries=most_entries, most_bytes=most_bytes, leave=leave)

    def _of(self, source: Place, target: Place, done: str) -> ProjectArchives:
        check_same_place(source, target, self._on_machine, done, "Choose a dataset in the same place, then copy it.")
        return self._here if source.dataset in self._on_machine else self._there


def check_same_place(source: Place, target: Place, on_machine: Collection[str], done: str, remedy: str) -> None:
    """Checks that two datasets lie in the same place.

    Raises:
        ConflictError: One lies on the machine's disk and the other does not.
    """
    if (source.dataset in on_machine) != (target.dataset in on_machine):
        raise ConflictError(
            f"'{source.dataset}' and '{target.dataset}' lie in different places on this site: one on the machine's "
            f"disk, one on its storage. Nothing is {done} from one to the other in one step.",
            remedy=remedy,
        )
