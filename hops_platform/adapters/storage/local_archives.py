"""Zip archives of what lies in datasets, on the local disk; see :mod:`hops_platform.adapters.storage.beneath`.

Whoever made an archive may have made it to break what unpacks it. So nothing that it says of itself is believed before
it is bounded, its names are places like all others, and links are left out. It appears when it is whole, or not at all.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

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
from hops_platform.engines.files import Copied, EntryKind
from hops_platform.engines.leave import Leave, no_end
from hops_platform.engines.places import Place, is_shown, parse_place
from hops_platform.errors import ConflictError, InvalidRequestError, StorageFullError, TooLargeError

_PIECE = 1024 * 1024
_MOST_DEPTH = 32
_MOST_OF_TABLE = 4 * 1024 * 1024
"""Bytes of an archive's table, which is read at once: some 40,000 entries."""
_ITEM = "item"
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
_ENCRYPTED = 1
_QUICK = 3
_FIRST_YEAR, _LAST_YEAR = 1980, 2107  # that the format can tell


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
        counted = _Counted(most_entries, most_bytes, leave or no_end())
        with told(source), self._folder(source.parent) as source_folder, self._draft(target) as draft:
            if entry_of(source.name, at=source_folder).kind not in (EntryKind.FILE, EntryKind.FOLDER):
                raise InvalidRequestError(
                    "Only files and folders can be packed.", remedy="Pack what the link leads to."
                )
            with _new_file(_ITEM, at=draft) as made, full_disk_told():
                with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=_QUICK) as archive:
                    _Packing(archive, counted).add(source.name, at=source_folder)
                os.fsync(made.fileno())
            self._appear(draft, target, counted.leave)
        return counted.copied

    def unpack(
        self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave | None = None
    ) -> Copied:
        """See :class:`~hops_platform.engines.files.ProjectArchives`."""
        counted = _Counted(most_entries, most_bytes, leave or no_end())
        with told(source), self._folder(source.parent) as source_folder, self._draft(target) as draft:
            descriptor, _ = open_regular(source.name, at=source_folder)
            with os.fdopen(descriptor, "rb") as file, _broken_told(), zipfile.ZipFile(_Table(file)) as archive:
                entries = _checked(archive.infolist(), target, counted)
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
class _Counted:
    """What was done, and how much may be."""

    most_entries: int
    most_bytes: int
    leave: Leave
    copied: Copied = field(default_factory=lambda: Copied(entries=0, size=0, left_out=0))

    def add(self, *, entries: int = 0, size: int = 0, left_out: int = 0, depth: int = 0) -> None:
        was = self.copied
        self.copied = Copied(entries=was.entries + entries, size=was.size + size, left_out=was.left_out + left_out)
        self.check(self.copied.entries + self.copied.left_out, self.copied.size, depth=depth)

    def check(self, entries: int, size: int, *, depth: int = 0) -> None:
        self.leave.check_at_times()
        if entries > self.most_entries or size > self.most_bytes or depth > _MOST_DEPTH:
            raise TooLargeError(
                f"This is more than can be packed or unpacked at once: {self.most_entries} files and folders, "
                f"{self.most_bytes // 2**20} MiB and {_MOST_DEPTH} folders in one another are the most.",
                remedy="Take parts of it, or do it in a notebook.",
            )


@dataclass
class _Packing:
    """Adds files and folders to an archive, each opened in the one before it."""

    archive: zipfile.ZipFile
    counted: _Counted

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
        self.archive.writestr(_information(f"{path}/", status), b"")
        with open_folder(name, at=at) as folder, os.scandir(folder) as found:
            for entry in found:
                with suppress(FileNotFoundError):
                    self.add(entry.name, at=folder, above=f"{path}/", depth=depth + 1)

    def _add_file(self, name: str, path: str, *, at: int) -> None:
        descriptor, status = open_regular(name, at=at)
        with (
            os.fdopen(descriptor, "rb") as file,
            self.archive.open(_information(path, status), "w", force_zip64=True) as to,
        ):
            # Its writer may still be at it, and never end.
            while piece := file.read(_PIECE):
                self.counted.add(size=len(piece))
                to.write(piece)


def _information(path: str, status: os.stat_result) -> zipfile.ZipInfo:
    moment = time.gmtime(min(max(status.st_mtime, 0), 2**32))
    year = min(max(moment.tm_year, _FIRST_YEAR), _LAST_YEAR)
    made = zipfile.ZipInfo(path, (year, *moment[1:6]))
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = (stat.S_IFMT(status.st_mode) | stat.S_IMODE(status.st_mode) & 0o777) << 16
    return made


class _Table(io.RawIOBase):
    """A file whose table of contents is read at once, and only if it is not too large.

    Args:
        file: The file.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        super().__init__()
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        data = b"" if size > _MOST_OF_TABLE else self._file.read(_MOST_OF_TABLE + 1 if size < 0 else size)
        if size > _MOST_OF_TABLE or len(data) > _MOST_OF_TABLE:
            raise TooLargeError(
                f"The table of this archive is longer than {_MOST_OF_TABLE // 2**20} MiB.",
                remedy="Unpack it in a notebook, or make several of it.",
            )
        return data


def _checked(found: list[zipfile.ZipInfo], target: Place, counted: _Counted) -> list[zipfile.ZipInfo]:
    """The entries that are unpacked, when all of them may be.

    Raises:
        InvalidRequestError: One has a name that leads elsewhere, or can't be read.
        TooLargeError: There are too many, or they are too large.
    """
    counted.check(len(found), sum(entry.file_size for entry in found))
    taken: list[zipfile.ZipInfo] = []
    for entry in found:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            counted.add(left_out=1)
            continue
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise InvalidRequestError(
                "This archive is locked by a password, or packed in a way that is not known here.",
                remedy="Unpack it in a notebook.",
            )
        # Also of what it leads to when it is unpacked: the whole path is a place.
        place = parse_place(target.project, target.dataset, f"{target.path}/{entry.filename.removesuffix('/')}")
        counted.check(0, 0, depth=len(place.parts) - len(target.parts))
        taken.append(entry)
    return taken


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: int, counted: _Counted) -> None:
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


@contextmanager
def _broken_told() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, ValueError) as error:
        raise InvalidRequestError("This is no zip archive, or a broken one.", remedy="Upload it anew.") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ConflictError(
            "Two things in this archive have the same name.", remedy="Unpack it in a notebook."
        ) from error


def _check_room(draft: int, size: int) -> None:
    disk = os.fstatvfs(draft)
    if disk.f_bavail * disk.f_frsize < size:
        raise StorageFullError(
            "There is less space left on the platform's disk than this archive needs.", remedy="Tell an administrator."
        )
