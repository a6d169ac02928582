"""Copies between the machine's disk and a product that datasets lie on.

What is copied is read by the port of where it lies, and made by the means of where it goes: in a draft, so that it
appears all at once there too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from hops_contract.layout import Home
from hops_platform.adapters.disk import check_room, full_disk_told
from hops_platform.adapters.storage.beneath import (
    FILE_MODE,
    FOLDER_MODE,
    exists,
    open_beneath,
    rename_new,
    told,
)
from hops_platform.adapters.storage.bounded_copy import BoundedCopy
from hops_platform.adapters.storage.drafts import draft_folder
from hops_platform.adapters.storage.trees import PIECE, Path, Tree, path_of
from hops_platform.engines.files import Copied, Entry, EntryKind, ProjectFiles
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place
from hops_platform.errors import InvalidRequestError, NotFoundError

_AT_ONCE = 500


class _Making(Protocol):
    """What is made, before anybody sees it."""

    def folder(self, parts: Path) -> None: ...

    def file(self, parts: Path, pieces: Iterator[bytes], *, size: int) -> None: ...


class Crossing:
    """Copies from one place to the other.

    Args:
        files: The port of where the source lies.
        tree: Where the target lies; ``None``: on the machine's disk.
        home: The platform's home.
    """

    def __init__(self, files: ProjectFiles, *, tree: Tree | None, home: Home) -> None:
        self._files = files
        self._tree = tree
        self._home = home

    def copy(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        source.parent, target.parent  # noqa: B018 - a dataset's own folder is copied by no call of this port
        entry = self._files.stat(source)
        if entry.kind not in {EntryKind.FILE, EntryKind.FOLDER}:
            raise InvalidRequestError("Only files and folders can be copied.", remedy="Copy what the link leads to.")
        copying = _Copying(files=self._files, most_entries=most_entries, most_bytes=most_bytes, leave=leave or no_end())
        if self._tree is not None:
            self._to_tree(self._tree, source, entry, target, copying)
        else:
            self._to_disk(source, entry, target, copying)
        return copying.copied

    @staticmethod
    def _to_tree(tree: Tree, source: Place, entry: Entry, target: Place, copying: _Copying) -> None:
        with tree.draft(path_of(target)) as draft:
            copying.copy(source, entry, (), _InTree(tree, draft.path))
            copying.leave.check()
            draft.appear()

    def _to_disk(self, source: Place, entry: Entry, target: Place, copying: _Copying) -> None:
        with told(target), self._folder(target) as folder:
            if exists(target.name, at=folder):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with draft_folder(self._home, target.project) as draft, full_disk_told():
            copying.copy(source, entry, (), _OnDisk(draft))
            with told(target), self._folder(target) as folder:
                copying.leave.check()
                rename_new("item", target.name, source_at=draft, target_at=folder)

    @contextmanager
    def _folder(self, target: Place) -> Iterator[int]:
        parts = (target.project, target.dataset, *target.parent.parts)
        with open_beneath(self._home.projects, parts) as folder:
            yield folder


@dataclass(frozen=True)
class _InTree:
    """A draft on a product."""

    tree: Tree
    path: Path

    def folder(self, parts: Path) -> None:
        self.tree.make_folder((*self.path, *parts))

    def file(self, parts: Path, pieces: Iterator[bytes], *, size: int) -> None:
        self.tree.put((*self.path, *parts), pieces, size=size)


@dataclass(frozen=True)
class _OnDisk:
    """A draft on the machine's disk, where nobody else comes."""

    draft: int

    def folder(self, parts: Path) -> None:
        os.mkdir("/".join(("item", *parts)), FOLDER_MODE, dir_fd=self.draft)

    def file(self, parts: Path, pieces: Iterator[bytes], *, size: int) -> None:
        check_room(self.draft, size, what="this copy")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        made = os.open("/".join(("item", *parts)), flags, FILE_MODE, dir_fd=self.draft)
        with os.fdopen(made, "wb") as file:
            file.writelines(pieces)


@dataclass(kw_only=True)
class _Copying(BoundedCopy):
    """A copy between two storages."""

    files: ProjectFiles

    def copy(self, source: Place, entry: Entry, parts: Path, making: _Making) -> None:
        if entry.kind not in {EntryKind.FILE, EntryKind.FOLDER}:
            self.left_out += 1
            return
        self.entries += 1
        self.check(len(parts))
        if entry.kind is EntryKind.FILE:
            try:
                opened = self.files.open_file(source)
            except NotFoundError:
                if not parts:
                    raise
                return  # it vanished in between
            with opened.file as file:
                making.file(parts, self._pieces(file), size=opened.size)
            return
        making.folder(parts)
        for child in self._children(source):
            self.copy(
                Place(source.project, source.dataset, (*source.parts, child.name)), child, (*parts, child.name), making
            )

    def _children(self, source: Place) -> Iterator[Entry]:
        after: str | None = None
        while True:
            page = self.files.list_folder(source, limit=_AT_ONCE, after=after)
            yield from page.entries
            after = page.next
            if after is None:
                return

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        while piece := file.read(PIECE):
            self.size += len(piece)
            self.check()
            yield piece
