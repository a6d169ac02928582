"""The Spark session service."""

from __future__ import annotations

from typing import Protocol


class SparkSessions(Protocol):
    """Spark sessions and batches of project-users."""

    def end_all(self, project_user: str) -> None:
        """Ends all sessions and batches of ``project__user``; there may be none."""
        ...
