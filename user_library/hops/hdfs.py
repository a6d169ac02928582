"""Files of the project, on HDFS and on this machine's disk alike.

A path may be relative to the project (``Resources/weather.csv``), ``/Projects/<project>/…``, an address
(``hdfs://…``, ``file:///…``) or another absolute path of the file system that holds the project. A relative path never
leads out of the project. HDFS is spoken to over its HTTP interface, as the project-user, so no Java is needed, neither in
the notebook nor on the executors.
"""

from __future__ import annotations

import os
import posixpath
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from hops import _session
from hops._status import FileStatus, allowed, status_of
from hops._storage import Location, locate, project_root, webhdfs_address

__all__ = [
    "abs_path",
    "access",
    "add_module",
    "capacity",
    "chmod",
    "chown",
    "close",
    "copy_from_project",
    "copy_to_hdfs",
    "copy_to_local",
    "copy_to_project",
    "cp",
    "delete",
    "dump",
    "exists",
    "get",
    "get_fs",
    "get_plain_path",
    "get_webhdfs_host",
    "get_webhdfs_port",
    "glob",
    "is_tls_enabled",
    "isdir",
    "isfile",
    "load",
    "log",
    "ls",
    "lsl",
    "mkdir",
    "move",
    "open_file",
    "project_id",
    "project_name",
    "project_path",
    "project_user",
    "rename",
    "rmr",
    "stat",
]


def project_path(project: str | None = None, exclude_nn_addr: bool = False) -> str:  # noqa: FBT001, FBT002
    """Folder of a project, with a ``/`` at its end, for Spark and for this module.

    Args:
        project: Name of the project; this one by default.
        exclude_nn_addr: Whether to leave out ``hdfs://host:port``.
    """
    root = project_root(project)
    return f"{root.path if exclude_nn_addr else root}/"


def project_name() -> str:
    """Name of this project."""
    return _session.current().project


def project_id() -> str:
    """Name of this project; projects have no number."""
    return project_name()


def project_user() -> str:
    """My name inside this project: ``project__user``."""
    return _session.current().project_user


def get() -> Any:
    """The file system that holds the project, as fsspec shows it."""
    return project_root().filesystem


def get_fs() -> Any:
    """The same as :func:`get`."""
    return get()


def close() -> None:
    """Forgets open connections; the next call makes new ones."""
    get().clear_instance_cache()


def get_plain_path(abs_path: str) -> str:
    """``/Projects/…`` of ``hdfs://host:port/Projects/…``; a path without an address stays as it is."""
    if "://" not in abs_path:
        return abs_path
    return "/" + abs_path.split("://", 1)[1].partition("/")[2]


def abs_path(hdfs_path: str) -> str:
    """The whole path or address of ``hdfs_path``."""
    return str(locate(hdfs_path))


def log(string: object) -> None:
    """Writes a line to the trial's ``output.log``; outside a trial, to the notebook."""
    print(string, flush=True)


def copy_to_hdfs(
    local_path: str,
    relative_hdfs_path: str,
    overwrite: bool = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> str:
    """Copies a file or folder of this machine into a folder of the project.

    Args:
        local_path: What to copy; a relative path starts at the working folder.
        relative_hdfs_path: Folder that it is put into; made if it is absent.
        overwrite: Whether an existing target is replaced.
        project: Name of the project; this one by default.

    Returns:
        Where the copy lies.

    Raises:
        FileNotFoundError: ``local_path`` is not there.
        FileExistsError: The target exists and ``overwrite`` is false.
    """
    source = Path(local_path).absolute()
    if not source.exists():
        raise FileNotFoundError(f"{local_path} is not there. A relative path starts at the working folder.")
    folder = locate(relative_hdfs_path, project)
    target = folder.child(source.name)
    _make_room(target, overwrite=overwrite)
    folder.make_folder()
    target.filesystem.put(str(source), target.path, recursive=source.is_dir())
    return str(target)


def copy_to_local(
    hdfs_path: str,
    local_path: str = "",
    overwrite: bool = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> str:
    """Copies a file or folder of the project to this machine.

    Args:
        hdfs_path: What to copy.
        local_path: Folder that it is put into; the working folder by default.
        overwrite: Whether an existing target is replaced; without it, a file of the same size is kept and returned.
        project: Name of the project; this one by default.

    Returns:
        The copy's absolute path.

    Raises:
        FileNotFoundError: ``hdfs_path`` is not there.
        FileExistsError: Something else is there, and ``overwrite`` is false.
    """
    source = _present(hdfs_path, project)
    folder = Path(local_path).absolute()
    target = folder / source.name
    if not overwrite and target.is_file() and source.filesystem.isfile(source.path):
        if target.stat().st_size == source.filesystem.info(source.path)["size"]:
            return str(target)
    _make_room(locate(target.as_uri()), overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    source.filesystem.get(source.path, str(target), recursive=source.filesystem.isdir(source.path))
    return str(target)


def copy_to_project(
    local_path: str,
    relative_hdfs_path: str,
    overwrite: bool = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> str:
    """The first name of :func:`copy_to_hdfs`."""
    return copy_to_hdfs(local_path, relative_hdfs_path, overwrite, project)


def copy_from_project(
    relative_hdfs_path: str,
    local_path: str,
    overwrite: bool = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> str:
    """The first name of :func:`copy_to_local`."""
    return copy_to_local(relative_hdfs_path, local_path, overwrite, project)


def cp(src_hdfs_path: str, dest_hdfs_path: str, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002
    """Copies a file or folder to exactly ``dest_hdfs_path``.

    Raises:
        FileNotFoundError: The source is not there.
        FileExistsError: The target exists and ``overwrite`` is false.
        ValueError: The target is the source or lies inside it.
    """
    source, target = _present(src_hdfs_path), locate(dest_hdfs_path)
    if f"{target}/".startswith(f"{source}/"):
        raise ValueError(f"{src_hdfs_path} can't be copied into itself.")
    _make_room(target, overwrite=overwrite)
    target.parent.make_folder()
    if source.prefix == target.prefix:
        source.filesystem.copy(source.path, target.path, recursive=source.filesystem.isdir(source.path))
        return
    with tempfile.TemporaryDirectory() as between:
        local = posixpath.join(between, "copy")
        is_folder = source.filesystem.isdir(source.path)
        source.filesystem.get(source.path, local, recursive=is_folder)
        target.filesystem.put(local, target.path, recursive=is_folder)


def ls(hdfs_path: str = "", recursive: bool = False, project: str | None = None) -> list[str]:  # noqa: FBT001, FBT002
    """Whole paths of what lies in a folder, sorted; of a file, the file.

    Raises:
        FileNotFoundError: ``hdfs_path`` is not there.
    """
    return [entry["path"] for entry in lsl(hdfs_path, recursive, project)]


def lsl(hdfs_path: str = "", recursive: bool = False, project: str | None = None) -> list[dict[str, Any]]:  # noqa: FBT001, FBT002
    """What lies in a folder, each with ``path``, ``name``, ``kind`` (``file`` or ``directory``), ``size`` in bytes,
    ``owner``, ``group``, ``permissions`` and ``last_mod``.

    Raises:
        FileNotFoundError: ``hdfs_path`` is not there.
    """
    place = _present(hdfs_path, project)
    if place.filesystem.isfile(place.path):
        return [_entry(place)]
    return [_entry(below) for below in _below(place, recursive=recursive)]


def glob(hdfs_path: str, recursive: bool = False, project: str | None = None) -> list[str]:  # noqa: FBT001, FBT002
    """Whole paths that match a pattern with ``*``, ``?`` and ``[…]``, sorted.

    Args:
        hdfs_path: The pattern.
        recursive: Whether ``**`` stands for any number of folders.
        project: Name of the project; this one by default.
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
    place = _present(hdfs_path)
    _refuse_project(place)
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
    place = _present(hdfs_path, project)
    _refuse_project(place)
    place.filesystem.rm(place.path, recursive=True)


def move(src: str, dest: str) -> None:
    """Moves a file or folder; into ``dest`` if that is a folder, else to it.

    Raises:
        FileNotFoundError: The source is not there.
        FileExistsError: The target exists.
    """
    source, target = _present(src), locate(dest)
    if target.filesystem.isdir(target.path):
        target = target.child(source.name)
    _rename(source, target)


def rename(src: str, dest: str) -> None:
    """Renames a file or folder to exactly ``dest``.

    Raises:
        FileNotFoundError: The source is not there.
        FileExistsError: The target exists.
    """
    _rename(_present(src), locate(dest))


def chown(hdfs_path: str, user: str = "", group: str = "", project: str | None = None) -> None:
    """Gives a file or folder another owner or group, where the file system lets you."""
    place = _present(hdfs_path, project)
    if place.is_local:
        import shutil

        shutil.chown(place.path, user or None, group or None)  # type: ignore[call-overload]
    else:
        place.filesystem.chown(place.path, owner=user or None, group=group or None)


def chmod(hdfs_path: str, mode: int | str, project: str | None = None) -> None:
    """Sets permissions: ``0o750``, or ``"750"``.

    Raises:
        ValueError: ``mode`` is no permission.
    """
    bits = int(mode, 8) if isinstance(mode, str) else mode
    if not 0 <= bits <= 0o7777:  # noqa: PLR2004
        raise ValueError(f"{mode!r} is no permission. Give it as 0o750 or '750'.")
    place = _present(hdfs_path, project)
    if place.is_local:
        Path(place.path).chmod(bits)
    else:
        place.filesystem.chmod(place.path, f"{bits:o}")


def stat(hdfs_path: str, project: str | None = None) -> FileStatus:
    """Size, owner, permissions and times of a file or folder.

    Raises:
        FileNotFoundError: It is not there.
    """
    return status_of(_present(hdfs_path, project))


def access(hdfs_path: str, mode: int | str, project: str | None = None) -> bool:
    """Whether I may read, write or execute: ``os.R_OK | os.W_OK``, or ``"rw"``.

    Raises:
        FileNotFoundError: It is not there.
    """
    return allowed(_present(hdfs_path, project), mode)


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
    opened = place.filesystem.open(
        place.path,
        mode + ("t" if "t" in flags else "b"),
        block_size=buff_size or None,
        **({"encoding": "utf-8"} if "t" in flags else {}),
    )
    return opened  # type: ignore[no-any-return]


def dump(data: str | bytes, hdfs_path: str) -> None:
    """Writes a whole file; readers see the old or the new one, never a part."""
    place = locate(hdfs_path)
    place.parent.make_folder()
    place.write(data.encode() if isinstance(data, str) else data)


def load(hdfs_path: str) -> bytes:
    """Reads a whole file, as bytes.

    Raises:
        FileNotFoundError: It is not there.
    """
    return _present(hdfs_path).read()


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


def capacity() -> int:
    """Size of the file system that holds the project, in bytes."""
    root = project_root()
    if root.is_local:
        import shutil

        return shutil.disk_usage(root.path).total
    return int(root.filesystem.capacity())


def add_module(hdfs_path: str, project: str | None = None) -> str:
    """Makes a Python file, a package's folder or an archive of the project importable in this process.

    Returns:
        Where its local copy lies.

    Raises:
        FileNotFoundError: It is not there.
    """
    source = _present(hdfs_path, project)
    if source.is_local:
        local = source.path
    else:
        local = copy_to_local(str(source), tempfile.mkdtemp(prefix="modules-"), True)
    entry = local if source.name.endswith((".zip", ".egg", ".whl")) else posixpath.dirname(local)
    if entry not in sys.path:
        sys.path.append(entry)
    return local


def is_tls_enabled() -> bool:
    """Whether HDFS's HTTP interface speaks TLS."""
    return webhdfs_address(_authority())[2]


def get_webhdfs_host() -> str:
    """Host of the NameNode's HTTP interface."""
    return webhdfs_address(_authority())[0]


def get_webhdfs_port() -> int:
    """Port of the NameNode's HTTP interface."""
    return webhdfs_address(_authority())[1]


def _authority() -> str:
    return urlsplit(_session.current().path).netloc


def _present(path: str, project: str | None = None) -> Location:
    place = locate(path, project)
    if not place.exists():
        raise FileNotFoundError(f"{path} is not there. A relative path starts at the project's folder.")
    return place


def _make_room(target: Location, *, overwrite: bool) -> None:
    if target.exists():
        if not overwrite:
            raise FileExistsError(f"{target} exists already. Use overwrite=True to replace it.")
        _refuse_project(target)
        target.remove()


def _refuse_project(place: Location) -> None:
    try:
        root = project_root()
    except _session.NoProjectError:
        return
    if f"{root}/".startswith(f"{str(place).rstrip('/')}/"):
        raise ValueError("The project itself can't be removed or replaced here.")


def _rename(source: Location, target: Location) -> None:
    _refuse_project(source)
    if target.exists():
        raise FileExistsError(f"{target} exists already. Remove it first, or choose another name.")
    if source.prefix != target.prefix:
        raise ValueError("What is moved stays in its file system. Use cp and delete instead.")
    target.parent.make_folder()
    source.filesystem.mv(source.path, target.path, recursive=True)


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
