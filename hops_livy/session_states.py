"""The states of a session or batch, in Livy's words."""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """Livy's states of a session or batch."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting_down"
    ERROR = "error"
    DEAD = "dead"
    KILLED = "killed"
    SUCCESS = "success"


FINAL = frozenset({SessionState.ERROR, SessionState.DEAD, SessionState.KILLED, SessionState.SUCCESS})
"""What is never left again."""
