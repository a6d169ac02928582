"""What a new project is filled with."""

from __future__ import annotations

from typing import Protocol


class ProjectTemplates(Protocol):
    """Notebooks and data for a first hour."""

    def fill(self, project: str, *, title: str) -> None:
        """Writes the welcome template into the datasets of ``project``; what is there already stays as it is."""
        ...
