"""Zip archives of what lies on a tree; what is believed of one: :mod:`hops_platform.adapters.storage.zipped`."""

from __future__ import annotations

import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import IO

from hops_contract.layout import Home
from hops_platform.adapters.disk import check_room, full_disk_told
from hops_platform.adapters.storage.stored_files import check_kind
from hops_platform.adapters.storage.trees import PIECE, Node, Path, Tree, all_nodes, path_of
from hops_platform.adapters.storage.zipped import (
    QUICK,
    BoundedTable,
    Counted,
    broken_told,
    checked_entries,
    information,
)
from hops_platform.engines.files import Copied, EntryKind
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place, is_shown
from hops_platform.errors import ConflictError

SPARE = 256 * 2**20
"""Bytes of the platform's disk that no archive takes: the platform's own sockets and files lie there too."""
_FOLDER_BITS = stat.S_IFDIR | 0o750
_FILE_BITS = stat.S_IFREG | 0o640


class StoredArchives:
    """Archives on a tree. One that is made gathers on the platform's disk, since its parts are written out of order.

    Args:
        tree: The product.
        home: The platform's home.
    """

    def __init__(self, tree: Tree, home: Home) -> None:
        self._tree = tree
        self._home = home

    def pack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        counted = Counted(most_entries, most_bytes, leave or no_end())
        source.parent, target.parent  # noqa: B018 - a dataset is packed by no call of this port
        node = self._tree.stat(path_of(source))
        check_kind(node, "packed", "Pack what the link leads to.")
        with self._tree.draft(path_of(target)) as draft, self._gathering() as made:
            with full_disk_told(), zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as archive:
                _Packing(self._tree, archive, counted, made.fileno()).add(path_of(source), node)
            size = made.tell()
            made.seek(0)
            self._tree.put(draft.path, iter(partial(made.read, PIECE), b""), size=size, ready=counted.leave.check)
            draft.appear()
        return counted.copied

    def unpack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        counted = Counted(most_entries, most_bytes, leave or no_end())
        source.parent, target.parent  # noqa: B018 - see above
        node = self._tree.stat(path_of(source))
        with (
            self._tree.open_file(path_of(source), node) as file,
            self._tree.draft(path_of(target)) as draft,
            broken_told(),
            zipfile.ZipFile(BoundedTable(file)) as archive,
        ):
            entries = checked_entries(archive.infolist(), target, counted)
            unpacking = _Unpacking(self._tree, archive, counted, draft.path)
            self._tree.make_folder(draft.path)
            for entry in entries:
                unpacking.add(entry)
            counted.leave.check()
            draft.appear()
        return counted.copied

    def _gathering(self) -> IO[bytes]:
        self._home.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._home.run)


@dataclass
class _Packing:
    """Adds files and folders to an archive."""

    tree: Tree
    archive: zipfile.ZipFile
    counted: Counted
    gathered: int

    def add(self, path: Path, node: Node, *, above: str = "", depth: int = 0) -> None:
        if not is_shown(node.name) or node.kind not in {EntryKind.FILE, EntryKind.FOLDER}:
            self.counted.add(left_out=1)
            return
        self.counted.add(entries=1, depth=depth)
        name, modified = f"{above}{node.name}", node.modified.timestamp()
        if node.kind is EntryKind.FOLDER:
            self.archive.writestr(information(f"{name}/", modified=modified, mode=_FOLDER_BITS), b"")
            for child in all_nodes(self.tree, path):
                self.add((*path, child.name), child, above=f"{name}/", depth=depth + 1)
            return
        said = information(name, modified=modified, mode=_FILE_BITS)
        with self.tree.open_file(path, node) as file, self.archive.open(said, "w", force_zip64=True) as to:
            while piece := file.read(PIECE):
                self.counted.add(size=len(piece))
                check_room(self.gathered, SPARE, what="this archive, and the platform beside it,")
                to.write(piece)


@dataclass
class _Unpacking:
    """Makes the entries of an archive in a draft, each once."""

    tree: Tree
    archive: zipfile.ZipFile
    counted: Counted
    draft: Path
    files: set[Path] = field(default_factory=set)
    folders: set[Path] = field(default_factory=set)

    def add(self, entry: zipfile.ZipInfo) -> None:
        parts = tuple(entry.filename.removesuffix("/").split("/"))
        self.counted.add(entries=1)
        if entry.is_dir():
            self._folder(parts)
            return
        self._folder(parts[:-1])
        if parts in self.files or parts in self.folders:
            raise _twice()
        self.files.add(parts)
        with self.archive.open(entry) as packed:
            self.tree.put((*self.draft, *parts), self._pieces(packed))

    def _folder(self, parts: Path) -> None:
        for depth in range(1, len(parts) + 1):
            folder = parts[:depth]
            if folder in self.files:
                raise _twice()
            if folder not in self.folders:
                self.folders.add(folder)
                self.tree.make_folder((*self.draft, *folder))

    def _pieces(self, packed: IO[bytes]) -> Iterator[bytes]:
        while piece := packed.read(PIECE):
            self.counted.add(size=len(piece))
            yield piece


def _twice() -> ConflictError:
    return ConflictError("Two things in this archive have the same name.", remedy="Unpack it in a notebook.")
