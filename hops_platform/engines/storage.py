"""Where the files of projects lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ProjectStorage(Protocol):
    """Folders of projects and their datasets."""

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def project_address(self, project: str) -> str:
        """Where the datasets of ``project`` lie, for processes: a path or a URL."""
        ...

    def create_datasets(self, project: str, datasets: Sequence[str]) -> None:
        """Makes the folders that are missing; leaves the others, with what they hold.

        Raises:
            StorageFullError: There is no room left.
        """
        ...

    def trash_project(self, project: str) -> None:
        """Moves all files of ``project`` to the trash, where they are kept; does nothing if there are none."""
        ...
