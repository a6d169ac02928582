"""Where the files of projects lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRights:
    """Which project-users may use a dataset by themselves, past the platform.

    Attributes:
        dataset: Its name.
        writers: Who may read and change it.
        readers: Who may only read it.
    """

    dataset: str
    writers: Sequence[str]
    readers: Sequence[str] = ()


LookAgain = Callable[[], Sequence[DatasetRights]]
"""Says anew which project-users may use the datasets of a project."""


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

    def measure_homes(self, project: str) -> int:
        """Bytes of the homes of all who have worked in ``project``; it can take long.

        Raises:
            EngineUnavailableError: They can't be counted now.
        """
        ...

    def trash_project(self, project: str) -> None:
        """Moves all files of ``project`` to the trash, where they are kept; does nothing if there are none."""
        ...

    def settle_rights(self, project: str, rights: Sequence[DatasetRights], *, again: LookAgain | None = None) -> None:
        """Lets those and no others use the datasets of ``project``, where what they lie on knows project-users.

        Can be repeated, and says what is true now. Datasets that are not named stay as they are; of those that are,
        each is done even where another can't be. It can take long; ``again`` says anew who may, so that nobody comes in
        who may not any more by then.

        Raises:
            EngineUnavailableError: A dataset that somebody may use is not made yet.
        """
        ...

    def let_out(self, project: str, rights: Sequence[DatasetRights]) -> None:
        """Shuts out who is in and may not be any more, and lets nobody in: in a moment, however much lies there."""
        ...

    def close(self) -> None:
        """Hangs up; nothing is asked of it, or of the ports for files, afterwards."""
        ...

    def check(self) -> None:
        """Writes and removes a file of the platform's own.

        Raises:
            PlatformError: That failed; it says why, and what can be done.
        """
        ...
