"""Datasets of other projects in the sandboxes of a project: what is shown there, and where.

The control plane writes down what is shared with a project (``shares.json``), and keeps a folder (``view``) with a
place for each dataset. Sandboxes show the view, closed, as ``<project folder>/Shared``, and the datasets at their
places. So no tenant's code can move, swap or fill a place; and where a dataset is taken away, what is seen in its place
is a file of the platform that says so.

What tenants can change are the folder that the view is put on, and the folders that the datasets lie in: each could be
swapped for a link while a sandbox is made. Therefore a sandbox's first act is to look at what was mounted
(:mod:`hops_contract.checked_start`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hops_contract.layout import Home
from hops_contract.opened_up import open_up
from hops_contract.private_files import write_private

SHARED = "Shared"
LIST_FILE = "shares.json"
VIEW = "view"
ACCEPTED = ".accepted"
"""In the view: files that say what stands; see :func:`markers`."""
NO_LONGER = "NO_LONGER_SHARED.txt"
NEXT_START = "FROM_THE_NEXT_START_ON.txt"
_NAMED = re.compile(rf"\b{SHARED}/([a-z][a-z0-9-]{{0,29}})/([A-Za-z](?:[\w.-]{{0,62}}\w)?)", re.ASCII)
"""Owner and name of a shared dataset in a path. Neither can be ``..``."""
_MOST_SEARCHED = 100_000
_MOST_OF_NOTE = 2000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class SharedDataset(BaseModel):
    """A dataset that another project shares with one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    project: str = Field(description="The project that owns it.", examples=["weather"])
    dataset: str = Field(examples=["raw"])
    writes: bool = Field(description="Whether it may be changed.")

    @property
    def path(self) -> str:
        """Where it stands below ``Shared``."""
        return f"{self.project}/{self.dataset}"


class SharedDatasets(BaseModel):
    """``shares.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[SharedDataset, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which folder a path led to, whatever it leads to later."""

    device: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMount:
    """A shared dataset in a sandbox.

    Attributes:
        source: Its folder, outside.
        target: Its place, inside.
        writes: Whether it may be changed there.
        identity: What ``source`` was when it was looked at, through no link.
        marker: A file, as it is seen inside, that is there as long as it is shared in this mode.
    """

    source: Path
    target: Path
    writes: bool
    identity: Identity
    marker: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMounts:
    """All that a sandbox shows of other projects.

    Attributes:
        view: The platform's folder with a place for each.
        point: Where it is seen.
        mounts: The datasets.
    """

    view: Path
    point: Path
    mounts: tuple[SharedMount, ...] = ()

    def checks(self) -> str:
        """What a sandbox's first act is told to look at; see :mod:`hops_contract.checked_start`."""
        mounts = [
            {
                "target": str(mount.target),
                "device": mount.identity.device,
                "inode": mount.identity.inode,
                "writes": mount.writes,
                "marker": str(mount.marker),
            }
            for mount in self.mounts
        ]
        return json.dumps({"point": str(self.point), "mounts": mounts}, separators=(",", ":"))


def markers(shared: SharedDataset) -> frozenset[str]:
    """The names of the files that say that a share stands: one for each mode in which it may be mounted."""
    return frozenset(marker(shared.id, writes=writes) for writes in {False, shared.writes})


def marker(share: UUID, *, writes: bool) -> str:
    """The name of the file that says that a share stands in a mode."""
    return f"{share}.{'write' if writes else 'read'}"


def view_of(home: Home, project: str) -> Path:
    """The folder that is seen as ``Shared``."""
    return home.shares(project) / VIEW


def read_shared(home: Home, project: str) -> tuple[SharedDataset, ...]:
    """What is shared with ``project``, as it was last written down; nothing where nothing was."""
    try:
        text = (home.shares(project) / LIST_FILE).read_bytes()
    except FileNotFoundError:
        return ()
    return SharedDatasets.model_validate_json(text).datasets


def why_no_longer(view: Path, said: str) -> str:
    """What stands in the place of a shared dataset that an error names and that is no longer shared; else nothing.

    Args:
        view: A project's :func:`view_of`.
        said: What the error says; a path below ``Shared`` in it counts wherever it stands.
    """
    for project, dataset in dict.fromkeys(_NAMED.findall(said[:_MOST_SEARCHED])):
        try:
            with (view / project / dataset / NO_LONGER).open(encoding="utf-8") as file:
                return " ".join(file.read(_MOST_OF_NOTE).split())
        except OSError:
            continue
    return ""


def write_shared(home: Home, project: str, datasets: Sequence[SharedDataset]) -> None:
    """Writes down what is shared with ``project``.

    Raises:
        OSError: The disk is full; what was written before is there still.
    """
    listed = SharedDatasets(datasets=tuple(datasets))
    write_private(home.shares(project) / LIST_FILE, listed.model_dump_json())


@contextmanager
def open_dataset(home: Home, project: str, dataset: str) -> Iterator[int]:
    """The descriptor of the folder that a dataset lies in now, reached through no link.

    Raises:
        OSError: There is none, or a link in its place.
    """
    folder = os.open(home.project(project), _FOLDER)
    try:
        inner = os.open(dataset, _FOLDER, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        yield inner
    finally:
        os.close(inner)


def identity_of(home: Home, project: str, dataset: str) -> Identity | None:
    """Which folder a dataset lies in now; ``None`` where there is none, or a link in its place."""
    try:
        with open_dataset(home, project, dataset) as folder:
            status = os.fstat(folder)
    except OSError:
        return None
    return Identity(device=status.st_dev, inode=status.st_ino)


def shared_mounts(home: Home, project: str) -> SharedMounts | None:
    """What a sandbox of ``project`` that is made now shows of other projects.

    The places that it is put on are made. A dataset whose folder is not there is left out.

    Returns:
        ``None`` where nothing is shared and no place can be made: a sandbox is made without.

    Raises:
        OSError: A place can't be made.
    """
    listed = read_shared(home, project)
    view, point = view_of(home, project), home.project(project) / SHARED
    try:
        view.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_point(home.project(project))
    except OSError:
        if listed:
            raise
        return None
    mounts = []
    for shared in listed:
        identity = identity_of(home, shared.project, shared.dataset)
        if identity is None or not (view / shared.path).is_dir():
            continue
        mounts.append(
            SharedMount(
                source=home.project(shared.project) / shared.dataset,
                target=point / shared.path,
                writes=shared.writes,
                identity=identity,
                marker=point / ACCEPTED / marker(shared.id, writes=shared.writes),
            )
        )
    return SharedMounts(view=view, point=point, mounts=tuple(mounts))


def make_point(project_folder: Path) -> None:
    """Makes the folder that the view is put on; what a tenant has put there in its place gets another name.

    A project's folder that its code has closed is opened up.

    Raises:
        OSError: The project has no folder, or it can't be made.
    """
    projects = os.open(project_folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_up(project_folder.name, at=projects) as folder:
            _make_point(folder)
    finally:
        os.close(projects)


def _make_point(folder: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(SHARED, 0o750, dir_fd=folder)
    if stat.S_ISDIR(os.stat(SHARED, dir_fd=folder, follow_symlinks=False).st_mode):
        return
    os.rename(SHARED, f"{SHARED}.{secrets.token_hex(4)}", src_dir_fd=folder, dst_dir_fd=folder)
    with suppress(FileExistsError):
        os.mkdir(SHARED, 0o750, dir_fd=folder)
