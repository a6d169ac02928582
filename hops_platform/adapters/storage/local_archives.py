"""Zip archives of what lies in datasets, on the local disk; see :mod:`hops_platform.adapters.storage.beneath`.

Whoever made an archive may have made it to break what unpacks it. So nothing that it says of itself is believed before
it is bounded, its names are places like all others, and links are left out. It appears when it is whole, or not at all.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hops_contract.layout import Home
from hops_platform.adapters.disk import full_disk_told
from hops_platform.adapters.storage.beneath import (
    FILE_MODE,
    FOLDER_MODE,
    entry_of,
    exists,
    open_beneath,
    open_folder,
    open_regular,
    rename_new,
    told,
)
from hops_platform.adapters.storage.drafts import draft_folder
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
from hops_platform.errors import InvalidRequestError, StorageFullError

_PIECE = 1024 * 1024
_ITEM = "item"


class LocalArchives:
    """Archives below ``HOPS_HOME/projects``.

    Args:
        home: The platform's home.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def pack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        counted = Counted(most_entries, most_bytes, leave or no_end())
        with told(source), self._folder(source.parent) as source_folder, self._draft(target) as draft:
            if entry_of(source.name, at=source_folder).kind not in (EntryKind.FILE, EntryKind.FOLDER):
                raise InvalidRequestError(
                    "Only files and folders can be packed.", remedy="Pack what the link leads to."
                )
            with _new_file(_ITEM, at=draft) as made, full_disk_told():
                with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as archive:
                    _Packing(archive, counted).add(source.name, at=source_folder)
                os.fsync(made.fileno())
            self._appear(draft, target, counted.leave)
        return counted.copied

    def unpack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        counted = Counted(most_entries, most_bytes, leave or no_end())
        with told(source), self._folder(source.parent) as source_folder, self._draft(target) as draft:
            descriptor, _ = open_regular(source.name, at=source_folder)
            with os.fdopen(descriptor, "rb") as file, broken_told(), zipfile.ZipFile(BoundedTable(file)) as archive:
                entries = checked_entries(archive.infolist(), target, counted)
                _check_room(draft, sum(entry.file_size for entry in entries))
                os.mkdir(_ITEM, FOLDER_MODE, dir_fd=draft)
                with open_folder(_ITEM, at=draft) as folder:
                    for entry in entries:
                        _unpack(archive, entry, folder, counted)
            self._appear(draft, target, counted.leave)
        return counted.copied

    @contextmanager
    def _draft(self, target: Place) -> Iterator[int]:
        """A draft for what goes to ``target``, where there is nothing yet: else the work would be for nothing."""
        with told(target), self._folder(target.parent) as folder:
            if exists(target.name, at=folder):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with draft_folder(self._home, target.project) as draft:
            yield draft

    def _appear(self, draft: int, target: Place, leave: Leave) -> None:
        with told(target), self._folder(target.parent) as folder:
            leave.check()
            rename_new(_ITEM, target.name, source_at=draft, target_at=folder)

    @contextmanager
    def _folder(self, place: Place) -> Iterator[int]:
        with open_beneath(self._home.projects, (place.project, place.dataset, *place.parts)) as folder:
            yield folder


@dataclass
class _Packing:
    """Adds files and folders to an archive, each opened in the one before it."""

    archive: zipfile.ZipFile
    counted: Counted

    def add(self, name: str, *, at: int, above: str = "", depth: int = 0) -> None:
        status = os.stat(name, dir_fd=at, follow_symlinks=False)
        if not is_shown(name) or not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            self.counted.add(left_out=1)
            return
        self.counted.add(entries=1, depth=depth)
        path = f"{above}{name}"
        if stat.S_ISREG(status.st_mode):
            self._add_file(name, path, at=at)
            return
        self.archive.writestr(information(f"{path}/", modified=status.st_mtime, mode=status.st_mode), b"")
        with open_folder(name, at=at) as folder, os.scandir(folder) as found:
            for entry in found:
                with suppress(FileNotFoundError):
                    self.add(entry.name, at=folder, above=f"{path}/", depth=depth + 1)

    def _add_file(self, name: str, path: str, *, at: int) -> None:
        descriptor, status = open_regular(name, at=at)
        with (
            os.fdopen(descriptor, "rb") as file,
            self.archive.open(
                information(path, modified=status.st_mtime, mode=status.st_mode), "w", force_zip64=True
            ) as to,
        ):
            # Its writer may still be at it, and never end.
            while piece := file.read(_PIECE):
                self.counted.add(size=len(piece))
                to.write(piece)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: int, counted: Counted) -> None:
    parts = entry.filename.removesuffix("/").split("/")
    counted.add(entries=1)
    if entry.is_dir():
        with _beneath(folder, parts):
            return
    with (
        full_disk_told(),
        archive.open(entry) as packed,
        _beneath(folder, parts[:-1]) as place,
        _new_file(parts[-1], at=place) as made,
    ):
        while piece := packed.read(_PIECE):
            counted.add(size=len(piece))
            made.write(piece)


@contextmanager
def _beneath(folder: int, parts: list[str]) -> Iterator[int]:
    """The descriptor of a folder in the draft, made with those that lead to it."""
    current = os.dup(folder)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, FOLDER_MODE, dir_fd=current)
            with open_folder(part, at=current) as following:
                os.close(current)
                current = os.dup(following)
        yield current
    finally:
        os.close(current)


@contextmanager
def _new_file(name: str, *, at: int) -> Iterator[io.BufferedRandom]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, FILE_MODE, dir_fd=at), "w+b") as file:
        yield file


def _check_room(draft: int, size: int) -> None:
    disk = os.fstatvfs(draft)
    if disk.f_bavail * disk.f_frsize < size:
        raise StorageFullError(
            "There is less space left on the platform's disk than this archive needs.", remedy="Tell an administrator."
        )
