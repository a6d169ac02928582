"""Copies between this machine and the project, and inside the project."""

from __future__ import annotations

import posixpath
import sys
import tempfile
from pathlib import Path

from hops._storage import locate
from hops.hdfs.places import make_room, present


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

    Example:
        >>> hdfs.copy_to_hdfs("model", "Models/digits")  # becomes Models/digits/model
    """
    source = Path(local_path).absolute()
    if not source.exists():
        raise FileNotFoundError(f"{local_path} is not there. A relative path starts at the working folder.")
    folder = locate(relative_hdfs_path, project)
    target = folder.child(source.name)
    make_room(target, overwrite=overwrite)
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

    Example:
        >>> pandas.read_csv(hdfs.copy_to_local("Resources/weather.csv"))
    """
    source = present(hdfs_path, project)
    folder = Path(local_path).absolute()
    target = folder / source.name
    if not overwrite and target.is_file() and source.filesystem.isfile(source.path):
        size = source.filesystem.info(source.path)["size"]
        if target.stat().st_size == size:
            return str(target)
    make_room(locate(target.as_uri()), overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    source.filesystem.get(source.path, str(target), recursive=source.filesystem.isdir(source.path))
    return str(target)


def copy_to_project(
    local_path: str,
    relative_hdfs_path: str,
    overwrite: bool = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> str:
    """The first name of :func:`copy_to_hdfs`.

    Args:
        local_path: What to copy.
        relative_hdfs_path: Folder that it is put into.
        overwrite: Whether an existing target is replaced.
        project: Name of the project; this one by default.

    Returns:
        Where the copy lies.

    Raises:
        FileNotFoundError: ``local_path`` is not there.
        FileExistsError: The target exists and ``overwrite`` is false.
    """
    return copy_to_hdfs(local_path, relative_hdfs_path, overwrite, project)


def copy_from_project(
    relative_hdfs_path: str,
    local_path: str,
    overwrite: bool = False,  # noqa: FBT001, FBT002
    project: str | None = None,
) -> str:
    """The first name of :func:`copy_to_local`.

    Args:
        relative_hdfs_path: What to copy.
        local_path: Folder that it is put into.
        overwrite: Whether an existing target is replaced.
        project: Name of the project; this one by default.

    Returns:
        The copy's absolute path.

    Raises:
        FileNotFoundError: ``relative_hdfs_path`` is not there.
        FileExistsError: Something else is there, and ``overwrite`` is false.
    """
    return copy_to_local(relative_hdfs_path, local_path, overwrite, project)


def cp(src_hdfs_path: str, dest_hdfs_path: str, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002
    """Copies a file or folder to exactly ``dest_hdfs_path``; the folders above it are made.

    Args:
        src_hdfs_path: What to copy.
        dest_hdfs_path: Where the copy is to lie, its name included.
        overwrite: Whether an existing target is replaced.

    Raises:
        FileNotFoundError: The source is not there.
        FileExistsError: The target exists and ``overwrite`` is false.
        ValueError: The target is the source or lies inside it.
    """
    source, target = present(src_hdfs_path), locate(dest_hdfs_path)
    if f"{target}/".startswith(f"{source}/"):
        raise ValueError(f"{src_hdfs_path} can't be copied into itself.")
    make_room(target, overwrite=overwrite)
    target.parent.make_folder()
    if source.prefix == target.prefix:
        source.filesystem.copy(source.path, target.path, recursive=source.filesystem.isdir(source.path))
        return
    with tempfile.TemporaryDirectory() as between:
        local = posixpath.join(between, "copy")
        is_folder = source.filesystem.isdir(source.path)
        source.filesystem.get(source.path, local, recursive=is_folder)
        target.filesystem.put(local, target.path, recursive=is_folder)


def add_module(hdfs_path: str, project: str | None = None) -> str:
    """Makes a Python file, a package's folder or an archive of the project importable in this process.

    Args:
        hdfs_path: A ``.py`` file, a package's folder, or a ``.zip``, ``.egg`` or ``.whl``.
        project: Name of the project; this one by default.

    Returns:
        Where its local copy lies.

    Raises:
        FileNotFoundError: It is not there.
    """
    source = present(hdfs_path, project)
    local = source.path
    if not source.is_local:
        local = copy_to_local(str(source), tempfile.mkdtemp(prefix="modules-"), overwrite=True)
    entry = local if source.name.endswith((".zip", ".egg", ".whl")) else posixpath.dirname(local)
    if entry not in sys.path:
        sys.path.append(entry)
    return local
