"""Files in datasets that lie on a product reached over the network; see :mod:`hops_platform.adapters.storage.trees`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hops_platform.adapters.storage.bounded_copy import BoundedCopy
from hops_platform.adapters.storage.stored_trash import StoredTrash
from hops_platform.adapters.storage.trees import (
    Node,
    Path,
    Tree,
    all_nodes,
    dataset_of,
    find,
    folder_at,
    into_itself,
    path_of,
    taken,
    trash_of,
)
from hops_platform.engines.files import Copied, Entry, EntryKind, Listing, OpenedFile, TrashItem
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place, is_shown
from hops_platform.errors import InvalidRequestError, NotFoundError


class StoredFiles:
    """What lies on a tree.

    Args:
        tree: The product.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._trash = StoredTrash(tree)

    def list_folder(self, place: Place, *, limit: int, after: str | None = None) -> Listing:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        path = path_of(place)
        folder_at(self._tree, path)
        taken_nodes: list[Node] = []
        for node in all_nodes(self._tree, path, after=after):
            if not is_shown(node.name):
                continue
            if len(taken_nodes) == limit:
                return Listing(entries=_entries(taken_nodes), next=self._tree.mark_of(taken_nodes[-1]))
            taken_nodes.append(node)
        return Listing(entries=_entries(taken_nodes), next=None)

    def stat(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        path = path_of(place)
        return folder_at(self._tree, path).entry if not place.parts else self._tree.stat(path).entry

    def open_file(self, place: Place) -> OpenedFile:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        _of_a_dataset(place)
        node = self._tree.stat(path_of(place))
        return OpenedFile(
            file=self._tree.open_file(path_of(place), node),
            size=node.size,
            modified=node.modified,
            version=node.version,
        )

    def make_folder(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        _of_a_dataset(place)
        with self._tree.draft(path_of(place)) as draft:
            self._tree.make_folder(draft.path)
            draft.appear()
        return self._tree.stat(path_of(place)).entry

    def move(self, source: Place, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        _of_a_dataset(source)
        _of_a_dataset(target)
        path = path_of(target)
        self._tree.stat(path_of(source))
        if into_itself(path_of(source), path):
            raise InvalidRequestError("A folder can't be put into itself.", remedy="Choose another folder.")
        folder_at(self._tree, path[:-1])
        if dataset_of(source) == dataset_of(target):
            self._tree.rename(path_of(source), path)
            return self._tree.stat(path).entry
        if find(self._tree, path) is not None:
            raise taken(path)  # before all of it is gone through
        known = self._tree.welcome(path_of(source), dataset_of(target))
        self._tree.rename(path_of(source), path)
        self._tree.adopt(path, dataset_of(target), known=known)
        return self._tree.stat(path).entry

    def moves_slowly(self, project: str, what: Place | UUID | None, *, into: str | None = None) -> bool:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        if isinstance(what, Place):
            return self._tree.moves_slowly(path_of(what), adopted=into not in {None, what.dataset})
        return self._tree.moves_slowly(trash_of(project, what), adopted=what is not None)

    def copy(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        leave = leave or no_end()
        _of_a_dataset(source)
        _of_a_dataset(target)
        node = self._tree.stat(path_of(source))
        check_kind(node, "copied", "Copy what the link leads to.")
        measured = Copying(tree=self._tree, most_entries=most_entries, most_bytes=most_bytes, leave=leave)
        measured.measure(path_of(source), node)
        copying = Copying(tree=self._tree, most_entries=most_entries, most_bytes=most_bytes, leave=leave)
        with self._tree.draft(path_of(target)) as draft:
            # A copy in itself holds what was there before it.
            copying.copy(path_of(source), node, draft.path, without=path_of(target))
            leave.check()
            draft.appear()
        return copying.copied

    def trash(self, place: Place, *, by: str) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        _of_a_dataset(place)
        return self._trash.put(place, by=by)

    def trash_dataset(self, place: Place, *, item: UUID, description: str, by: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        if self._trash.holds(place.project, item):
            return
        with suppress(NotFoundError):
            self._trash.put(place, by=by, item=item, description=description)

    def list_trash(self, project: str, *, limit: int, before: UUID | None = None) -> Sequence[TrashItem]:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._trash.list(project, limit=limit, before=before)

    def find_in_trash(self, project: str, item: UUID) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._trash.find(project, item)

    def restore(self, project: str, item: UUID, *, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._trash.find(project, item)
        # A dataset that is gone is not made by the way.
        folder_at(self._tree, dataset_of(target))
        make_way(self._tree, target)
        self._trash.take(project, item, path_of(target), dataset_of(target))
        return self._tree.stat(path_of(target)).entry

    def restore_dataset(self, place: Place, *, item: UUID) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        if not self._trash.holds(place.project, item):
            return
        path = path_of(place)
        self._tree.make_folder(path[:1])
        if next(self._nodes(path), None) is not None:
            self._trash.take(place.project, item, (*path, f"restored-{item.hex[-8:]}"), path)
            return
        self._tree.remove(path)
        self._trash.take(place.project, item, path, path)

    def measure(self, project: str) -> int:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._tree.size_of((project,)) + self._tree.size_of(trash_of(project))

    def empty_trash(self, project: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._trash.empty(project)

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._tree.sweep(before=before)
        self._trash.sweep(before=before)

    def _nodes(self, path: Path) -> Iterator[Node]:
        with suppress(NotFoundError):
            yield from all_nodes(self._tree, path)


def make_way(tree: Tree, place: Place) -> None:
    """Makes the folders that lead to a place in a dataset that is there.

    Raises:
        NotFoundError: There is no dataset, or a file where a folder would have to be.
    """
    folder_at(tree, dataset_of(place))
    path = path_of(place)[:-1]
    for depth in range(len(dataset_of(place)) + 1, len(path) + 1):
        if find(tree, path[:depth]) is None:
            tree.make_folder(path)
            break
        folder_at(tree, path[:depth])


def check_kind(node: Node, done: str, remedy: str) -> None:
    """Checks that something is a file or a folder.

    Raises:
        InvalidRequestError: It is not.
    """
    if node.kind not in {EntryKind.FILE, EntryKind.FOLDER}:
        raise InvalidRequestError(f"Only files and folders can be {done}.", remedy=remedy)


def _of_a_dataset(place: Place) -> None:
    place.parent  # noqa: B018 - what is no dataset's own folder has one


def _entries(nodes: Sequence[Node]) -> list[Entry]:
    return [node.entry for node in nodes]


@dataclass(kw_only=True)
class Copying(BoundedCopy):
    """A copy on a tree."""

    tree: Tree

    def measure(self, path: Path, node: Node, *, depth: int = 0) -> None:
        """Counts what would be copied, in a small part of the time."""
        if node.kind not in {EntryKind.FILE, EntryKind.FOLDER}:
            return
        self.entries += 1
        self.size += node.size if node.kind is EntryKind.FILE else 0
        self.check(depth)
        if node.kind is EntryKind.FOLDER:
            for child in all_nodes(self.tree, path):
                self.measure((*path, child.name), child, depth=depth + 1)

    def copy(self, path: Path, node: Node, target: Path, *, without: Path, depth: int = 0) -> None:
        """Copies into a draft, all but what lies at ``without``."""
        if path == without:
            return
        if node.kind not in {EntryKind.FILE, EntryKind.FOLDER}:
            self.left_out += 1
            return
        self.entries += 1
        self.check(depth)
        if node.kind is EntryKind.FILE:
            self.tree.copy_file(path, node, target, look=self._look)
            return
        self.tree.make_folder(target)
        for child in all_nodes(self.tree, path):
            with suppress(NotFoundError):
                self.copy((*path, child.name), child, (*target, child.name), without=without, depth=depth + 1)

    def _look(self, size: int) -> None:
        self.size += size
        self.check()
