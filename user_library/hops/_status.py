"""Status and permissions of files, told alike for both file systems."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from hops._storage import Location


@dataclass(frozen=True, slots=True)
class FileStatus:
    """Status of a file or folder, with the names of :func:`os.stat`.

    Attributes:
        st_mode: Kind and permissions.
        st_size: Bytes.
        st_uid: Name of the owner.
        st_gid: Name of the group.
        st_mtime: When it was changed, in seconds since the epoch.
        st_atime: When it was read, in seconds since the epoch.
    """

    st_mode: int
    st_size: int
    st_uid: str
    st_gid: str
    st_mtime: float
    st_atime: float

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.st_mode)


def status_of(place: Location) -> FileStatus:
    """Status of what lies at ``place``."""
    if place.is_local:
        found = os.stat(place.path)  # noqa: PTH116
        return FileStatus(
            found.st_mode, found.st_size, _user(found.st_uid), _group(found.st_gid), found.st_mtime, found.st_atime
        )
    info = place.filesystem.info(place.path)
    kind = stat.S_IFDIR if info["type"] == "directory" else stat.S_IFREG
    return FileStatus(
        kind | int(info["permission"], 8),
        info["length"],
        info["owner"],
        info["group"],
        info["modificationTime"] / 1000,
        info["accessTime"] / 1000,
    )


def allowed(place: Location, mode: int | str) -> bool:
    """Whether this user may do what ``mode`` says: ``os.R_OK | os.W_OK | os.X_OK``, or letters of ``rwx``.

    Raises:
        ValueError: ``mode`` is neither.
    """
    bits = {"r": os.R_OK, "w": os.W_OK, "x": os.X_OK}
    if isinstance(mode, str):
        if not mode or set(mode) - bits.keys():
            raise ValueError(f"{mode!r} is none of r, w and x.")
        mode = sum(bits[letter] for letter in set(mode))
    if place.is_local:
        return os.access(place.path, mode)
    try:
        place.filesystem.check_access(
            place.path, "".join(letter if mode & bit else "-" for letter, bit in bits.items())
        )
    except PermissionError:
        return False
    return True


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
