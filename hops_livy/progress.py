"""How far the Spark jobs of a statement have come, as its session tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from hops_livy.driver.hops_session.progress import MESSAGE

_LARGEST = 2**53
_LONGEST_NAME = 200

__all__ = ["MESSAGE", "Progress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Stages and tasks of the jobs that belong to one statement.

    Attributes:
        active: Whether a job runs at the moment.
        name: What the active stage does; may be empty.
        stage: Number of the first active stage, counted from 1.
        stages: How many stages are known.
        stage_done: Tasks of the active stages that are done.
        stage_tasks: Tasks of the active stages.
        tasks_done: Tasks of all known jobs that are done.
        tasks: Tasks of all known jobs.
        tasks_running: Tasks that run.
        tasks_failed: Attempts at tasks that failed.
    """

    active: bool = False
    name: str = ""
    stage: int = 0
    stages: int = 0
    stage_done: int = 0
    stage_tasks: int = 0
    tasks_done: int = 0
    tasks: int = 0
    tasks_running: int = 0
    tasks_failed: int = 0

    @classmethod
    def of(cls, content: dict[str, Any]) -> Progress:
        """What a message tells, of which code of the session may have written every part."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            value = content.get(field.name)
            if field.name == "name":
                values["name"] = value[:_LONGEST_NAME] if isinstance(value, str) else ""
            elif field.name == "active":
                values["active"] = value is True
            else:
                values[field.name] = min(max(value, 0), _LARGEST) if isinstance(value, int) else 0
        return cls(**values)

    @property
    def fraction(self) -> float:
        """Done of all that is known, from 0 to 1: Livy's ``progress``. It may fall when more becomes known."""
        return min(self.tasks_done / self.tasks, 1.0) if self.tasks else 0.0

    def content(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)
