"""Files and folders of the project: listing, reading, writing, removing, moving, permissions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from hops._status import FileStatus, allowed, status_of
from hops._storage import Location, locate
from hops.hdfs.places import present, refuse_project


def ls(
    hdfs_path: str = "",
    recursive: bool = False,  # noqa: FBT001, FBT002
    exclude_nn_addr: bool | str = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> list[str]:
    """Whole paths of what lies in a folder, sorted; of a file, the file.

    Args:
        hdfs_path: A folder or a file; the project's own folder by default.
        recursive: Whether to list the folders below as well.
        exclude_nn_addr: Whether to leave out ``hdfs://host:port``. Notebooks also know the project in this place.
        project: Name of the project; this one by default.

    Raises:
        FileNotFoundError: ``hdfs_path`` is not there.
    """
    if isinstance(exclude_nn_addr, str):
        project, exclude_nn_addr = exclude_nn_addr, False
    places = _listed(present(hdfs_path, project), recursive=recursive)
    return [place.path if exclude_nn_addr else str(place) for place in places]


def lsl(hdfs_path: str = "", recursive: bool = False, project: str | None = None) -> list[dict[str, Any]]:  # noqa: FBT001, FBT002
    """What lies in a folder, sorted; of a file, the file.

    Args:
        hdfs_path: A folder or a file; the project's own folder by default.
        recursive: Whether to list the folders below as well.
        project: Name of the project; this one by default.

    Returns:
        Of each its ``path``, ``name``, ``kind`` (``file`` or ``directory``), ``size`` in bytes, ``owner``, ``group``,
        ``permissions`` and ``last_mod``.

    Raises:
        FileNotFoundError: ``hdfs_path`` is not there.
    """
    return [_entry(place) for place in _listed(present(hdfs_path, project), recursive=recursive)]


def glob(hdfs_path: str, recursive: bool = False, project: str | None = None) -> list[str]:  # noqa: FBT001, FBT002
    """Whole paths that match a pattern with ``*``, ``?`` and ``[…]``, sorted.

    Args:
        hdfs_path: The pattern.
        recursive: Whether ``**`` stands for any number of folders.
        project: Name of the project; this one by default.

    Example:
        >>> hdfs.glob("Experiments/*/*/.metric")
    """
    place = locate(hdfs_path, project)
    pattern = place.path if recursive else place.path.replace("**", "*")
    return sorted(str(place.at(path)) for path in place.filesystem.glob(pattern))


def mkdir(hdfs_path: str, project: str | None = None) -> None:
    """Makes a folder and those above it; one that is there already is fine."""
    locate(hdfs_path, project).make_folder()


def delete(hdfs_path: str, recursive: bool = False) -> None:  # noqa: FBT001, FBT002
    """Removes a file, or a folder.

    Raises:
        FileNotFoundError: It is not there.
        OSError: It is a folder that is not empty, and ``recursive`` is false.
        ValueError: It is the project itself.
    """
    place = present(hdfs_path)
    refuse_project(place)
    if place.filesystem.isdir(place.path) and not recursive and place.names():
        raise OSError(
            f"{hdfs_path} is a folder that is not empty. Use recursive=True to remove it with all that it holds."
        )
    place.filesystem.rm(place.path, recursive=True)


def rmr(hdfs_path: str, project: str | None = None) -> None:
    """Removes a file or a folder with all that it holds.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: It is the project itself.
    """
    place = present(hdfs_path, project)
    refuse_project(place, project)
    place.filesystem.rm(place.path, recursive=True)


def move(src: str, dest: str) -> None:
    """Moves a file or folder; into ``dest`` if that is a folder, else to it.

    Raises:
        FileNotFoundError: The source is not there.
        FileExistsError: The target exists.
    """
    source, target = present(src), locate(dest)
    if target.filesystem.isdir(target.path):
        target = target.child(source.name)
    _rename(source, target)


def rename(src: str, dest: str) -> None:
    """Renames a file or folder to exactly ``dest``.

    Raises:
        FileNotFoundError: The source is not there.
        FileExistsError: The target exists.
    """
    _rename(present(src), locate(dest))


def chown(hdfs_path: str, user: str = "", group: str = "", project: str | None = None) -> None:
    """Gives a file or folder another owner or group, where the file system lets you.

    Args:
        hdfs_path: The file or folder.
        user: Name of the new owner; the old one by default.
        group: Name of the new group; the old one by default.
        project: Name of the project; this one by default.

    Raises:
        FileNotFoundError: It is not there.
        PermissionError: You may not.
    """
    place = present(hdfs_path, project)
    if place.is_local:
        if user:
            shutil.chown(place.path, user=user)
        if group:
            shutil.chown(place.path, group=group)
    else:
        place.filesystem.chown(place.path, owner=user or None, group=group or None)


def chmod(hdfs_path: str, mode: int | str, project: str | None = None) -> None:
    """Sets permissions: ``0o750``, or ``"750"``.

    Args:
        hdfs_path: The file or folder.
        mode: The permissions, as a number or as octal digits.
        project: Name of the project; this one by default.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: ``mode`` is no permission.
    """
    bits = int(mode, 8) if isinstance(mode, str) else mode
    if not 0 <= bits <= 0o7777:  # noqa: PLR2004
        raise ValueError(f"{mode!r} is no permission. Give it as 0o750 or '750'.")
    place = present(hdfs_path, project)
    if place.is_local:
        Path(place.path).chmod(bits)
    else:
        place.filesystem.chmod(place.path, f"{bits:o}")


def stat(hdfs_path: str, project: str | None = None) -> FileStatus:
    """Size, owner, permissions and times of a file or folder.

    Raises:
        FileNotFoundError: It is not there.
    """
    return status_of(present(hdfs_path, project))


def access(hdfs_path: str, mode: int | str, project: str | None = None) -> bool:
    """Whether I may read, write or execute: ``os.R_OK | os.W_OK``, or ``"rw"``.

    Raises:
        FileNotFoundError: It is not there.
    """
    return allowed(present(hdfs_path, project), mode)


def open_file(hdfs_path: str, project: str | None = None, flags: str = "rw", buff_size: int = 0) -> IO[Any]:
    """Opens a file.

    Args:
        hdfs_path: The file.
        project: Name of the project; this one by default.
        flags: ``r``, ``w`` or ``a``, with ``t`` for text instead of bytes; ``rw`` reads what is there and writes what
            is not.
        buff_size: Bytes that are read or written at once; 0 for the default.

    Raises:
        FileNotFoundError: It is to be read and is not there.
        ValueError: ``flags`` is none of the above.

    Example:
        >>> with hdfs.open_file("Resources/notes.txt", flags="at") as file:
        ...     file.write("one more line")
    """
    place = locate(hdfs_path, project)
    letters = set(flags) - {"b", "t", "+"}
    if letters == {"r", "w"}:
        letters = {"r"} if place.exists() else {"w"}
    if letters not in ({"r"}, {"w"}, {"a"}):
        raise ValueError(f"{flags!r} is no way to open a file. Use r, w or a, with t for text.")
    mode = letters.pop()
    if mode == "a" and not place.exists():
        mode = "w"
    opened: IO[Any] = place.filesystem.open(
        place.path,
        mode + ("t" if "t" in flags else "b"),
        block_size=buff_size or None,
        **({"encoding": "utf-8"} if "t" in flags else {}),
    )
    return opened


def dump(data: str | bytes, hdfs_path: str) -> None:
    """Writes a whole file; readers see the old or the new one, never a part.

    Args:
        data: Text (written as UTF-8) or bytes.
        hdfs_path: The file; the folders above it are made.
    """
    place = locate(hdfs_path)
    place.parent.make_folder()
    place.write(data.encode() if isinstance(data, str) else data)


def load(hdfs_path: str) -> bytes:
    """Reads a whole file, as bytes.

    Raises:
        FileNotFoundError: It is not there.
    """
    return present(hdfs_path).read()


def exists(hdfs_path: str, project: str | None = None) -> bool:
    """Whether something is there."""
    return locate(hdfs_path, project).exists()


def isdir(hdfs_path: str, project: str | None = None) -> bool:
    """Whether a folder is there."""
    place = locate(hdfs_path, project)
    return bool(place.filesystem.isdir(place.path))


def isfile(hdfs_path: str, project: str | None = None) -> bool:
    """Whether a file is there."""
    place = locate(hdfs_path, project)
    return bool(place.filesystem.isfile(place.path))


def _rename(source: Location, target: Location) -> None:
    refuse_project(source)
    if target.exists():
        raise FileExistsError(f"{target} exists already. Remove it first, or choose another name.")
    if source.prefix != target.prefix:
        raise ValueError("What is moved stays in its file system. Use cp and delete instead.")
    target.parent.make_folder()
    source.filesystem.mv(source.path, target.path, recursive=True)


def _listed(place: Location, *, recursive: bool) -> list[Location]:
    if place.filesystem.isfile(place.path):
        return [place]
    return list(_below(place, recursive=recursive))


def _below(place: Location, *, recursive: bool) -> Iterator[Location]:
    for name in place.names():
        entry = place.child(name)
        yield entry
        if recursive and entry.filesystem.isdir(entry.path) and not _is_link(entry):
            yield from _below(entry, recursive=True)


def _is_link(place: Location) -> bool:
    return place.is_local and os.path.islink(place.path)  # noqa: PTH114


def _entry(place: Location) -> dict[str, Any]:
    status = status_of(place)
    return {
        "path": str(place),
        "name": place.name,
        "kind": "directory" if status.is_folder else "file",
        "size": 0 if status.is_folder else status.st_size,
        "owner": status.st_uid,
        "group": status.st_gid,
        "permissions": status.st_mode & 0o7777,
        "last_mod": status.st_mtime,
    }
