"""Projects' files in memory: what the ports for files promise, without a disk and without tenants."""

from __future__ import annotations

import copy
import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hops_platform.database import new_id, now
from hops_platform.engines.files import (
    Copied,
    Entry,
    EntryKind,
    Listing,
    OpenedFile,
    TrashItem,
)
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError, TooLargeError
from hops_platform.testing.fakes import Faulty


@dataclass
class MemoryFile:
    """The bytes of a file."""

    data: bytes
    modified: datetime = field(default_factory=now)
    version: UUID = field(default_factory=new_id)


@dataclass
class MemoryFolder:
    """What lies in a folder."""

    nodes: dict[str, MemoryFile | MemoryFolder] = field(default_factory=dict)
    modified: datetime = field(default_factory=now)


Node = MemoryFile | MemoryFolder


class MemoryDisk:
    """Where files and uploads in memory lie; both ports are given the same one.

    Args:
        datasets: The datasets of each project, which are empty folders at first.
    """

    def __init__(self, datasets: Mapping[str, Sequence[str]]) -> None:
        self.lock = threading.RLock()
        self.datasets = {project: {name: MemoryFolder() for name in names} for project, names in datasets.items()}
        self.trash: dict[str, dict[UUID, tuple[TrashItem, Node]]] = {}

    def folder(self, place: Place, *, make: bool = False) -> MemoryFolder:
        """The folder at ``place``; with ``make`` those below the dataset that are missing are made.

        Raises:
            NotFoundError: There is none.
        """
        found: Node | None = self.datasets.get(place.project, {}).get(place.dataset)
        for part in place.parts:
            if not isinstance(found, MemoryFolder):
                break
            if make and part not in found.nodes:
                found.nodes[part] = MemoryFolder()
            found = found.nodes.get(part)
        if not isinstance(found, MemoryFolder):
            raise NotFoundError(f"There is no '{place}'.")
        return found

    def node(self, place: Place) -> Node:
        """What lies at ``place``.

        Raises:
            NotFoundError: Nothing.
        """
        if not place.parts:
            return self.folder(place)
        found = self.folder(place.parent).nodes.get(place.name)
        if found is None:
            raise NotFoundError(f"There is no '{place}'.")
        return found

    def put(self, place: Place, node: Node, *, make: bool = False) -> Entry:
        """Puts something where nothing is.

        Raises:
            ConflictError: There is something.
            NotFoundError: There is no folder to put it into.
        """
        nodes = self.folder(place.parent, make=make).nodes
        if place.name in nodes:
            raise ConflictError(f"There is something at '{place}' already.")
        nodes[place.name] = node
        return entry_of(place.name, node)


def entry_of(name: str, node: Node) -> Entry:
    """A node in the words of the port."""
    if isinstance(node, MemoryFile):
        return Entry(name=name, kind=EntryKind.FILE, size=len(node.data), modified=node.modified)
    return Entry(name=name, kind=EntryKind.FOLDER, size=None, modified=node.modified)


@dataclass
class MemoryFiles(Faulty):
    """Files of projects in memory."""

    disk: MemoryDisk = field(default_factory=lambda: MemoryDisk({}))

    def list_folder(self, place: Place, *, limit: int, after: str | None = None) -> Listing:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            nodes = self.disk.folder(place).nodes
            names = [name for name in sorted(nodes) if after is None or name > after]
            entries = [entry_of(name, nodes[name]) for name in names[:limit]]
        return Listing(entries=entries, next=names[limit - 1] if len(names) > limit else None)

    def stat(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            return entry_of(place.name, self.disk.node(place))

    def open_file(self, place: Place) -> OpenedFile:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            node = self.disk.node(place)
        if not isinstance(node, MemoryFile):
            raise InvalidRequestError(f"{place.name!r} is no file.", remedy="Choose a file.")
        return OpenedFile(
            file=io.BytesIO(node.data), size=len(node.data), modified=node.modified, version=node.version.hex
        )

    def make_folder(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            return self.disk.put(place, MemoryFolder())

    def move(self, source: Place, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            left, node = self.disk.folder(source.parent), self.disk.node(source)
            inside = target.parent.parts[: len(source.parts)] == source.parts
            if inside and (target.project, target.dataset) == (source.project, source.dataset):
                raise InvalidRequestError("A folder can't be put into itself.", remedy="Choose another folder.")
            entry = self.disk.put(target, node)
            del left.nodes[source.name]
            return entry

    def moves_slowly(self, project: str, what: Place | UUID | None, *, into: str | None = None) -> bool:  # noqa: ARG002 - one step, whatever it is
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return False

    def copy(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            self.disk.folder(source.parent)
            node = copy.deepcopy(self.disk.node(source))
            files, entries = _files_in(node)
            size = sum(len(file.data) for file in files)
            if entries > most_entries or size > most_bytes:
                raise TooLargeError("This is more than can be copied at once.", remedy="Copy parts of it.")
            (leave or no_end()).check()
            self.disk.put(target, node)
        return Copied(entries=entries, size=size, left_out=0)

    def trash(self, place: Place, *, by: str) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            nodes, node = self.disk.folder(place.parent).nodes, self.disk.node(place)
            item = self._put_away(place, node, item=new_id(), description="", by=by)
            del nodes[place.name]
        return item

    def trash_dataset(self, place: Place, *, item: UUID, description: str, by: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            if item in self._trash(place.project):
                return
            folder = self.disk.datasets.get(place.project, {}).pop(place.dataset, None)
            if folder is not None:
                self._put_away(place, folder, item=item, description=description, by=by)

    def list_trash(self, project: str, *, limit: int, before: UUID | None = None) -> Sequence[TrashItem]:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            trash = self._trash(project)
            keys = sorted((key for key in trash if before is None or key.hex < before.hex), reverse=True)
            return [trash[key][0] for key in keys[:limit]]

    def find_in_trash(self, project: str, item: UUID) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            if item not in self._trash(project):
                raise NotFoundError("There is no such thing in the trash.")
            return self._trash(project)[item][0]

    def restore(self, project: str, item: UUID, *, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.find_in_trash(project, item)
        with self.disk.lock:
            entry = self.disk.put(target, self._trash(project)[item][1], make=True)
            del self._trash(project)[item]
            return entry

    def restore_dataset(self, place: Place, *, item: UUID) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            if item not in self._trash(place.project):
                return
            _, node = self._trash(place.project).pop(item)
            datasets = self.disk.datasets.setdefault(place.project, {})
            there = datasets.get(place.dataset)
            if there is not None and there.nodes:
                there.nodes[f"restored-{item.hex[-8:]}"] = node
            elif isinstance(node, MemoryFolder):
                datasets[place.dataset] = node

    def measure(self, project: str) -> int:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            nodes: list[Node] = [*self.disk.datasets.get(project, {}).values()]
            nodes += [node for _, node in self._trash(project).values()]
            return sum(len(file.data) for node in nodes for file in _files_in(node)[0])

    def empty_trash(self, project: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self.check()
        with self.disk.lock:
            self.disk.trash.pop(project, None)

    def sweep(self, *, before: datetime) -> None:  # noqa: ARG002
        """See :class:`~hops_platform.engines.files.ProjectFiles`; nothing is left behind here."""
        self.check()

    def _trash(self, project: str) -> dict[UUID, tuple[TrashItem, Node]]:
        return self.disk.trash.setdefault(project, {})

    def _put_away(self, place: Place, node: Node, *, item: UUID, description: str, by: str) -> TrashItem:
        told = TrashItem(
            id=item,
            dataset=place.dataset,
            path=place.path,
            kind=entry_of(place.name, node).kind,
            description=description,
            deleted_by=by,
            deleted_at=now(),
        )
        self._trash(place.project)[item] = (told, node)
        return told


def _files_in(node: Node) -> tuple[list[MemoryFile], int]:
    """The files in a node, and how many files and folders there are with itself."""
    if isinstance(node, MemoryFile):
        return [node], 1
    files: list[MemoryFile] = []
    entries = 1
    for inner in node.nodes.values():
        found, count = _files_in(inner)
        files, entries = [*files, *found], entries + count
    return files, entries
