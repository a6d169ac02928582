"""The project's folder and names, and the file system that holds it."""

from __future__ import annotations

import shutil
from typing import Any
from urllib.parse import urlsplit

from hops import _session
from hops._storage import locate, project_root, webhdfs_address


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


def capacity() -> int:
    """Size of the file system that holds the project, in bytes."""
    root = project_root()
    if root.is_local:
        return shutil.disk_usage(root.path).total
    return int(root.filesystem.capacity())


def is_tls_enabled() -> bool:
    """Whether HDFS's HTTP interface speaks TLS."""
    return webhdfs_address(_authority())[2]


def get_webhdfs_host() -> str:
    """Host of the NameNode's HTTP interface."""
    return webhdfs_address(_authority())[0]


def get_webhdfs_port() -> int:
    """Port of the NameNode's HTTP interface."""
    return webhdfs_address(_authority())[1]


def log(string: object) -> None:
    """Writes a line to the trial's ``output.log``; outside a trial, to the notebook."""
    print(string, flush=True)


def _authority() -> str:
    return urlsplit(_session.current().path).netloc
