"""Files in datasets on the local disk, below folders that tenants' code writes to; see :mod:`.beneath`."""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID

from hops_contract.layout import Home
from hops_contract.opened_up import open_up
from hops_platform.adapters.disk import check_room
from hops_platform.adapters.storage.beneath import (
    FILE_MODE,
    FOLDER_MODE,
    bounded,
    entry_from,
    entry_of,
    exists,
    is_folder,
    moment,
    open_beneath,
    open_folder,
    open_project,
    open_regular,
    rename_new,
    told,
)
from hops_platform.adapters.storage.bounded_copy import BoundedCopy
from hops_platform.adapters.storage.drafts import draft_folder
from hops_platform.adapters.storage.local_size import size_of_folders
from hops_platform.adapters.storage.local_trash import LocalTrash
from hops_platform.engines.files import Copied, Entry, EntryKind, Listing, OpenedFile, TrashItem
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place, is_shown
from hops_platform.errors import InvalidRequestError

_PIECE = 8 * 1024 * 1024


class LocalFiles:
    """What lies below ``HOPS_HOME/projects``.

    Args:
        home: The platform's home.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._trash = LocalTrash(home)

    def list_folder(self, place: Place, *, limit: int, after: str | None = None) -> Listing:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        with told(place), self._folder(place) as folder:
            with os.scandir(folder) as found:
                names = heapq.nsmallest(limit + 1, _names_after(found, after))
            entries = list(_entries(names[:limit], at=folder))
        return Listing(entries=entries, next=names[limit - 1] if len(names) > limit else None)

    def stat(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        if not place.parts:
            with told(place), self._folder(place) as folder:
                return entry_from(place.name, os.fstat(folder))
        with told(place), self._folder(place.parent) as folder:
            return entry_of(place.name, at=folder)

    def open_file(self, place: Place) -> OpenedFile:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        with told(place), self._folder(place.parent) as folder:
            descriptor, status = open_regular(place.name, at=folder)
        return OpenedFile(
            file=os.fdopen(descriptor, "rb", buffering=0),
            size=status.st_size,
            modified=moment(status.st_mtime),
            version=f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}",
        )

    def make_folder(self, place: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        with told(place), self._folder(place.parent) as folder:
            os.mkdir(place.name, FOLDER_MODE, dir_fd=folder)
            return entry_of(place.name, at=folder)

    def move(self, source: Place, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        with told(source), self._folder(source.parent) as source_folder:
            entry_of(source.name, at=source_folder)
            with told(target), self._folder(target.parent) as folder:
                rename_new(source.name, target.name, source_at=source_folder, target_at=folder)
                return entry_of(target.name, at=folder)

    def moves_slowly(self, project: str, what: Place | UUID | None, *, into: str | None = None) -> bool:  # noqa: ARG002 - one step, whatever it is
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return False

    def copy(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        leave = leave or no_end()
        self._check_target(target)
        copying = _Copying(most_entries=most_entries, most_bytes=most_bytes, leave=leave)
        with told(source), self._folder(source.parent) as source_folder:
            self._check_source(
                source,
                at=source_folder,
                measured=_Copying(most_entries=most_entries, most_bytes=most_bytes, leave=leave),
            )
        with (
            told(source),
            self._folder(source.parent) as source_folder,
            draft_folder(self._home, source.project) as draft,
        ):
            copying.copy(source.name, source_at=source_folder, target="item", target_at=draft)
            with told(target), self._folder(target.parent) as folder:
                leave.check()
                rename_new("item", target.name, source_at=draft, target_at=folder)
        return copying.copied

    def _check_target(self, target: Place) -> None:
        """Looks before something long is begun; the step that counts refuses it as well."""
        with told(target), self._folder(target.parent) as folder:
            if exists(target.name, at=folder):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    @staticmethod
    def _check_source(source: Place, *, at: int, measured: _Copying) -> None:
        if entry_of(source.name, at=at).kind not in (EntryKind.FILE, EntryKind.FOLDER):
            raise InvalidRequestError("Only files and folders can be copied.", remedy="Copy what the link leads to.")
        measured.measure(source.name, source_at=at)
        check_room(at, measured.size, what="this copy")

    def trash(self, place: Place, *, by: str) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        with told(place), self._folder(place.parent) as folder:
            return self._trash.put(place, at=folder, by=by)

    def trash_dataset(self, place: Place, *, item: UUID, description: str, by: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        if self._trash.holds(place.project, item):
            return
        with told(place), open_project(self._home.projects, place.project) as folder:
            if not is_folder(place.dataset, at=folder):
                self._trash.put_in_the_way(place, at=folder, by=by, item=item)
                return
            with open_up(place.dataset, at=folder):
                self._trash.put(place, at=folder, by=by, item=item, description=description)

    def list_trash(self, project: str, *, limit: int, before: UUID | None = None) -> Sequence[TrashItem]:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._trash.list(project, limit=limit, before=before)

    def find_in_trash(self, project: str, item: UUID) -> TrashItem:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return self._trash.find(project, item)

    def restore(self, project: str, item: UUID, *, target: Place) -> Entry:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._trash.find(project, item)
        with told(target), self._folder(target.parent, make=True) as folder:
            self._trash.take(project, item, name=target.name, at=folder)
            return entry_of(target.name, at=folder)

    def restore_dataset(self, place: Place, *, item: UUID) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        if not self._trash.holds(place.project, item):
            return
        with told(place), open_project(self._home.projects, place.project) as folder:
            if not is_folder(place.dataset, at=folder):
                self._trash.put_in_the_way(place, at=folder)
            with suppress(OSError):
                # Code of the project may have made an empty one meanwhile.
                os.rmdir(place.dataset, dir_fd=folder)
            try:
                self._trash.take(place.project, item, name=place.dataset, at=folder)
            except FileExistsError:
                with open_up(place.dataset, at=folder) as beside:
                    self._trash.take(place.project, item, name=f"restored-{item.hex[-8:]}", at=beside)

    def measure(self, project: str) -> int:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        return size_of_folders(self._home.project(project), self._home.trash(project))

    def empty_trash(self, project: str) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._trash.empty(project)

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.engines.files.ProjectFiles`."""
        self._trash.sweep(before=before)

    @contextmanager
    def _folder(self, place: Place, *, make: bool = False) -> Iterator[int]:
        parts = (place.project, place.dataset, *place.parts)
        # A dataset that is gone is not made by the way.
        with open_beneath(self._home.projects, parts, make_from=2 if make else None) as folder:
            yield folder


def _names_after(found: Iterator[os.DirEntry[str]], after: str | None) -> Iterator[str]:
    entries = bounded(found, remedy="List it in a notebook, and keep files in several folders.")
    return (entry.name for entry in entries if (after is None or entry.name > after) and is_shown(entry.name))


def _entries(names: Sequence[str], *, at: int) -> Iterator[Entry]:
    for name in names:
        # What vanishes in between is no longer there.
        with suppress(FileNotFoundError):
            yield entry_of(name, at=at)


class _Copying(BoundedCopy):
    """A copy from disk to disk."""

    def measure(self, name: str, *, source_at: int, depth: int = 0) -> None:
        """Counts what would be copied, in a small part of the time."""
        status = os.stat(name, dir_fd=source_at, follow_symlinks=False)
        if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            return
        self.entries += 1
        self.size += status.st_size if stat.S_ISREG(status.st_mode) else 0
        self.check(depth)
        if stat.S_ISDIR(status.st_mode):
            with open_folder(name, at=source_at) as source, os.scandir(source) as found:
                for entry in found:
                    with suppress(FileNotFoundError):
                        self.measure(entry.name, source_at=source, depth=depth + 1)

    def copy(self, name: str, *, source_at: int, target: str, target_at: int, depth: int = 0) -> None:
        mode = os.stat(name, dir_fd=source_at, follow_symlinks=False).st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            self.left_out += 1
            return
        self.entries += 1
        self.check(depth)
        if stat.S_ISREG(mode):
            self._copy_file(name, source_at=source_at, target=target, target_at=target_at)
            return
        os.mkdir(target, FOLDER_MODE, dir_fd=target_at)
        with (
            open_folder(name, at=source_at) as source,
            open_folder(target, at=target_at) as made,
            os.scandir(source) as found,
        ):
            for entry in found:
                with suppress(FileNotFoundError):
                    self.copy(entry.name, source_at=source, target=entry.name, target_at=made, depth=depth + 1)

    def _copy_file(self, name: str, *, source_at: int, target: str, target_at: int) -> None:
        source, status = open_regular(name, at=source_at)
        try:
            mode = FILE_MODE | (status.st_mode & 0o110)
            made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=target_at)
            try:
                # Its writer may still be at it, and never end.
                while copied := os.sendfile(made, source, None, _PIECE):
                    self.size += copied
                    self.check()
            finally:
                os.close(made)
        finally:
            os.close(source)
