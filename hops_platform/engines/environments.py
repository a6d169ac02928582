"""Python environments in which users' code runs."""

from __future__ import annotations

from typing import Protocol


class ProjectEnvironments(Protocol):
    """One environment a project."""

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def prefix(self, project: str) -> str:
        """Where the environment of ``project`` lies."""
        ...

    def create(self, project: str) -> None:
        """Makes the environment, or brings it to what the base holds now.

        Raises:
            EngineRefusedError: It can't be made; the message says why.
            StorageFullError: There is no room left.
        """
        ...

    def is_current(self, project: str) -> bool:
        """Whether the environment of ``project`` is there and holds what :meth:`create` would make now."""
        ...

    def remove(self, project: str) -> None:
        """Removes the environment; there may be none."""
        ...
