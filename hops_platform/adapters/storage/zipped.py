"""What holds of a zip archive wherever it lies: what is believed of it, and how much may be done with it at once."""

from __future__ import annotations

import io
import os
import stat
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from hops_platform.adapters.storage.bounded_copy import MOST_DEPTH
from hops_platform.engines.files import Copied
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place, parse_place
from hops_platform.errors import ConflictError, InvalidRequestError, TooLargeError

QUICK = 3
"""How hard it is packed."""
_MOST_OF_TABLE = 4 * 1024 * 1024
"""Bytes of an archive's table, which is read at once: some 40,000 entries."""
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
_ENCRYPTED = 1
_FIRST_YEAR, _LAST_YEAR = 1980, 2107  # that the format can tell


@dataclass
class Counted:
    """What was done, and how much may be."""

    most_entries: int
    most_bytes: int
    leave: Leave
    copied: Copied = field(default_factory=lambda: Copied(entries=0, size=0, left_out=0))

    def add(self, *, entries: int = 0, size: int = 0, left_out: int = 0, depth: int = 0) -> None:
        """Counts what was done.

        Raises:
            TooLargeError: It is more than may be.
        """
        was = self.copied
        self.copied = Copied(entries=was.entries + entries, size=was.size + size, left_out=was.left_out + left_out)
        self.check(self.copied.entries + self.copied.left_out, self.copied.size, depth=depth)

    def check(self, entries: int, size: int, *, depth: int = 0) -> None:
        """Looks whether so much may be done, and whether there is leave and room for it still."""
        self.leave.check_at_times()
        if entries > self.most_entries or size > self.most_bytes or depth > MOST_DEPTH:
            raise TooLargeError(
                f"This is more than can be packed or unpacked at once: {self.most_entries} files and folders, "
                f"{self.most_bytes // 2**20} MiB and {MOST_DEPTH} folders in one another are the most.",
                remedy="Take parts of it, or do it in a notebook.",
            )
        self.leave.take(size)


def information(path: str, *, modified: float, mode: int) -> zipfile.ZipInfo:
    """What an archive says of a file or a folder, whose path ends with ``/``.

    Args:
        path: Its path in the archive.
        modified: When it was last written, in seconds since 1970.
        mode: What it is, and its permissions.
    """
    moment = time.gmtime(min(max(modified, 0), 2**32))
    year = min(max(moment.tm_year, _FIRST_YEAR), _LAST_YEAR)
    made = zipfile.ZipInfo(path, (year, *moment[1:6]))
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = (stat.S_IFMT(mode) | stat.S_IMODE(mode) & 0o777) << 16
    return made


class BoundedTable(io.RawIOBase):
    """A file whose table of contents is read at once, and only if it is not too large.

    Args:
        file: The file.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes elsewhere."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where it is."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """Reads; what is read at once is bounded."""
        data = b"" if size > _MOST_OF_TABLE else self._file.read(_MOST_OF_TABLE + 1 if size < 0 else size)
        if size > _MOST_OF_TABLE or len(data) > _MOST_OF_TABLE:
            raise TooLargeError(
                f"The table of this archive is longer than {_MOST_OF_TABLE // 2**20} MiB.",
                remedy="Unpack it in a notebook, or make several of it.",
            )
        return data


def checked_entries(found: list[zipfile.ZipInfo], target: Place, counted: Counted) -> list[zipfile.ZipInfo]:
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


@contextmanager
def broken_told() -> Iterator[None]:
    """Makes what is wrong with an archive known in the platform's words."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, ValueError) as error:
        raise InvalidRequestError("This is no zip archive, or a broken one.", remedy="Upload it anew.") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ConflictError(
            "Two things in this archive have the same name.", remedy="Unpack it in a notebook."
        ) from error
