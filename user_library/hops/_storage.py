"""Where a path lies: in the project, elsewhere on this machine, or on HDFS.

Laws:

1. A path without a scheme and without a leading ``/`` lies in the project, and ``..`` never leads out of it.
2. ``/Projects/<project>/…`` and ``hdfs:///Projects/<project>/…`` name the project, whether its files lie on HDFS or on
   this machine.
3. Every other absolute path is one of the file system that holds the project; ``file:`` always means this machine.
"""

from __future__ import annotations

import os
import posixpath
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from hops import _session

DEFAULT_WEBHDFS_PORT = 9870
_REMOTE_SCHEMES = ("hdfs", "webhdfs", "swebhdfs", "hopsfs")


@dataclass(frozen=True)
class Location:
    """A place in a file system.

    Attributes:
        filesystem: fsspec's view of the file system.
        path: The absolute path inside it.
        prefix: What stands before the path for Spark and for people: empty on this machine, else ``hdfs://host:port``.
    """

    filesystem: Any
    path: str
    prefix: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return not self.prefix

    @property
    def name(self) -> str:
        """Last part of the path."""
        return posixpath.basename(self.path)

    @property
    def parent(self) -> Location:
        """The folder that it lies in."""
        return Location(self.filesystem, posixpath.dirname(self.path), self.prefix)

    def child(self, *names: str) -> Location:
        """A place below this one."""
        return Location(self.filesystem, posixpath.join(self.path, *names), self.prefix)

    def at(self, path: str) -> Location:
        """Another place in the same file system."""
        return Location(self.filesystem, path, self.prefix)

    def __str__(self) -> str:
        return f"{self.prefix}{self.path}"

    def exists(self) -> bool:
        """Whether something is there."""
        return bool(self.filesystem.exists(self.path))

    def make_folder(self) -> None:
        """Makes the folder and those above it."""
        self.filesystem.makedirs(self.path, exist_ok=True)

    def remove(self) -> None:
        """Removes a file or a whole folder, if it is there."""
        if self.exists():
            self.filesystem.rm(self.path, recursive=True)

    def read(self) -> bytes:
        """The whole file."""
        data: bytes = self.filesystem.cat_file(self.path)
        return data

    def write(self, data: bytes) -> None:
        """Writes the whole file; whoever reads it sees the old or the new one, never a part."""
        draft = posixpath.join(posixpath.dirname(self.path), f".{secrets.token_hex(8)}.part")
        try:
            if self.is_local:
                with open(draft, "wb") as file:  # noqa: PTH123  # paths are texts here, for both file systems
                    file.write(data)
                os.replace(draft, self.path)  # noqa: PTH105
            else:
                self.filesystem.pipe_file(draft, data)
                self.filesystem.replace(draft, self.path)
        except BaseException:
            if self.filesystem.exists(draft):
                self.filesystem.rm(draft)
            raise

    def names(self) -> list[str]:
        """Names in this folder, sorted; an absent folder has none."""
        if self.is_local:
            try:
                return sorted(os.listdir(self.path))  # noqa: PTH208
            except FileNotFoundError:
                return []
        try:
            entries = self.filesystem.ls(self.path, detail=False)
        except FileNotFoundError:
            return []
        return sorted(posixpath.basename(entry) for entry in entries)


def locate(path: str | os.PathLike[str], project: str | None = None) -> Location:
    """Where ``path`` lies (see the laws above).

    Args:
        path: A path or an address.
        project: Project that a relative path belongs to; this process's own by default.

    Raises:
        ValueError: The path leads out of the project, or its scheme is unknown.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise ValueError("A path can't hold a NUL character.")
    scheme = urlsplit(text).scheme.lower() if "://" in text or text.startswith("file:") else ""
    if scheme == "file":
        return _local(unquote(urlsplit(text).path))
    if scheme in _REMOTE_SCHEMES:
        authority, inner = _split(text)
        return _remote(authority, inner) if authority else _absolute(inner)
    if scheme:
        raise ValueError(f"{scheme}: is not a scheme of this library. Use hdfs:, file: or a path inside the project.")
    if text.startswith("/"):
        return _absolute(text)
    root = project_root(project)
    inner = posixpath.normpath(posixpath.join("/", text)) if text else "/"
    if posixpath.normpath(text or ".").split("/")[0] == "..":
        raise ValueError(f"{text!r} leads out of the project. Give an absolute path if that is meant.")
    return root.at(posixpath.normpath(root.path + inner))


def project_root(project: str | None = None) -> Location:
    """Folder of a project; this process's own by default.

    Raises:
        ValueError: ``project`` is no project's name.
        NoProjectError: This process belongs to no project.
    """
    session = _session.current()
    own = _place(session.path)
    if project is None or project == session.project:
        return own
    if "/" in project or project in {"", ".", ".."}:
        raise ValueError(f"{project!r} is not the name of a project.")
    return own.parent.child(project)


def _place(path: str) -> Location:
    if "://" not in path:
        return _local(path)
    authority, inner = _split(path)
    return _remote(authority, inner)


def _split(address: str) -> tuple[str, str]:
    # Not urlsplit: '?' and '#' are letters of file names here.
    authority, _, inner = address.split("://", 1)[1].partition("/")
    return authority, "/" + inner


def _absolute(path: str) -> Location:
    """An absolute path of the file system that holds the project (laws 2 and 3)."""
    session = _session.current() if _belongs_to_a_project() else None
    if session is None or "://" not in session.path:
        parts = posixpath.normpath(path).split("/")
        if session is not None and parts[1:2] == ["Projects"] and len(parts) > 2:  # noqa: PLR2004
            root = project_root(parts[2])
            return root.child(*parts[3:])
        return _local(path)
    authority, _ = _split(session.path)
    return _remote(authority, path)


def _belongs_to_a_project() -> bool:
    try:
        _session.current()
    except _session.NoProjectError:
        return False
    return True


def _local(path: str) -> Location:
    from fsspec.implementations.local import LocalFileSystem

    return Location(LocalFileSystem(), os.path.abspath(path))  # noqa: PTH100  # the law is lexical: links stay


def _remote(authority: str, path: str) -> Location:
    from hops._webhdfs import WebHdfs

    host, port, secure = webhdfs_address(authority)
    user = os.environ.get("HADOOP_USER_NAME") or _session.current().project_user
    filesystem = WebHdfs(host=host, port=port, user=user, use_https=secure)
    return Location(filesystem, posixpath.normpath("/" + path.lstrip("/")), f"hdfs://{authority}")


def webhdfs_address(authority: str = "") -> tuple[str, int, bool]:
    """Host, port and whether TLS is spoken, of the NameNode's HTTP interface.

    ``HOPS_WEBHDFS_ADDRESS`` (``host:port`` or ``https://host:port``) decides; without it, it is port 9870 of the
    host in ``authority``, the part of ``hdfs://host:port/…`` that names the NameNode.

    Raises:
        ValueError: Neither names a host.
    """
    setting = os.environ.get("HOPS_WEBHDFS_ADDRESS", "")
    parts = urlsplit(setting if "://" in setting else f"//{setting}")
    if parts.hostname:
        return parts.hostname, parts.port or DEFAULT_WEBHDFS_PORT, parts.scheme == "https"
    host = urlsplit(f"//{authority}").hostname
    if not host:
        raise ValueError(
            "The address of HDFS is unknown: set HOPS_WEBHDFS_ADDRESS to host:port of the NameNode's HTTP interface."
        )
    return host, DEFAULT_WEBHDFS_PORT, False
