"""Projects' files, and the homes of their members, on the local disk below the platform's home."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

from hops_contract.layout import Home
from hops_contract.wiping import wipe_folder
from hops_platform.adapters.disk import full_disk_told


class LocalStorage:
    """Folders below ``HOPS_HOME/projects``; the trash is ``HOPS_HOME/trash``.

    Args:
        home: The platform's home.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def project_address(self, project: str) -> str:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        return str(self._home.project(project))

    def create_datasets(self, project: str, datasets: Sequence[str]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        folder = self._home.project(project)
        with full_disk_told():
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            for dataset in datasets:
                (folder / dataset).mkdir(mode=0o750, exist_ok=True)

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
                shutil.move(home, place / home.name)
            if deleted.exists():
                shutil.move(deleted, trash / f"{target.name}-deleted")
            if folder.exists():
                shutil.move(folder, target)
