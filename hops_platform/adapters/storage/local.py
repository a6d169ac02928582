"""Projects' files, and the homes of their members, on the local disk below the platform's home."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hops_contract.layout import Home
from hops_contract.opened_up import open_up
from hops_contract.wiping import wipe_folder
from hops_platform.adapters.disk import full_disk_told
from hops_platform.adapters.storage.beneath import FOLDER_MODE, is_folder, open_beneath, open_project, told
from hops_platform.adapters.storage.local_size import size_of_folders
from hops_platform.adapters.storage.local_trash import LocalTrash
from hops_platform.engines.places import Place
from hops_platform.engines.storage import DatasetRights, LookAgain
from hops_platform.errors import EngineUnavailableError


class LocalStorage:
    """Folders below ``HOPS_HOME/projects``; the trash is ``HOPS_HOME/trash``.

    Args:
        home: The platform's home.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._trash = LocalTrash(home)

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        try:
            self._home.projects.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            # That it can be read says little: it is written to.
            with full_disk_told(), tempfile.TemporaryFile(dir=self._home.projects) as file:
                file.write(b"0")
            disk = os.statvfs(self._home.projects)
        except OSError as error:
            raise EngineUnavailableError(f"The disk can't be written to: {error.strerror}.") from error
        return f"Local disk, {disk.f_bavail * disk.f_frsize / 2**30:.1f} GiB free"

    def project_address(self, project: str) -> str:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        return str(self._home.project(project))

    def create_datasets(self, project: str, datasets: Sequence[str]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        places = [Place(self._home.project(project).name, dataset) for dataset in datasets]
        with full_disk_told(), open_project(self._home.projects, project) as folder:
            for place in places:
                self._make(place, at=folder)

    def measure_homes(self, project: str) -> int:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        return size_of_folders(*self._home.own_homes(project))

    def trash_project(self, project: str) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        folder = self._home.project(project)
        homes = self._home.own_homes(project)
        deleted = self._home.trash(project)
        wipe_folder(self._home.uploads(project))
        # A project of this name that is made later is another, with which nothing was ever shared.
        wipe_folder(self._home.shares(project))
        if not folder.exists() and not homes and not deleted.exists():
            return
        trash = self._home.root / "trash"
        target = trash / f"{project}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        with full_disk_told():
            trash.mkdir(mode=0o700, exist_ok=True)
            # First: whoever creates a project of this name next starts with a new home.
            for home in homes:
                place = trash / f"{target.name}-homes"
                place.mkdir(mode=0o700, exist_ok=True)
                _move(home, place / home.name)
            if deleted.exists():
                _move(deleted, trash / f"{target.name}-deleted")
            if folder.exists():
                _move(folder, target)

    def let_out(self, project: str, rights: Sequence[DatasetRights]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`; see below."""

    def settle_rights(self, project: str, rights: Sequence[DatasetRights], *, again: LookAgain | None = None) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`; sandboxes show no more than they may."""

    def close(self) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""

    def check(self) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        with full_disk_told():
            self._home.projects.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._home.projects) as probe:
                probe.write(b"probe")

    def _make(self, place: Place, *, at: int) -> None:
        with told(place):
            with suppress(FileExistsError):
                os.mkdir(place.dataset, FOLDER_MODE, dir_fd=at)
            if not is_folder(place.dataset, at=at):
                # Code of the project can put anything here. It is kept, and holds up nothing.
                self._trash.put_in_the_way(place, at=at)
                os.mkdir(place.dataset, FOLDER_MODE, dir_fd=at)


def _move(folder: Path, target: Path) -> None:
    with open_beneath(folder.parent, ()) as parent, suppress(NotADirectoryError), open_up(folder.name, at=parent):
        pass  # closed even to its owner, it could not be moved
    shutil.move(folder, target)
