"""The Hub, which starts and stops notebook servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class ServerState(StrEnum):
    """How far a notebook server is."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubServer:
    """A notebook server as the Hub sees it.

    Attributes:
        state: How far it is.
        started_at: When it was started; ``None`` while it is stopped.
        last_activity: When it was last used.
        reason: Why it failed, or why it ended that nobody stopped, in words; only when it did.
    """

    state: ServerState
    started_at: datetime | None = None
    last_activity: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A notebook server that runs, starts or stops.

    Attributes:
        user: Whose it is.
        name: The project that it belongs to.
    """

    user: str
    name: str


class Hub(Protocol):
    """Named servers of users."""

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def server(self, user: str, name: str) -> HubServer:
        """The server ``name`` of ``user``; one that never was is stopped."""
        ...

    def running_servers(self) -> Sequence[RunningServer]:
        """All servers of all users that are not stopped."""
        ...

    def start_server(self, user: str, name: str, *, title: str, options: dict[str, Any]) -> None:
        """Begins to start a server, and makes the Hub's user if need be; does not wait until it is ready.

        Does nothing when it is running or starting already.
        """
        ...

    def stop_server(self, user: str, name: str) -> None:
        """Stops a server; one that does not run is left as it is."""
        ...
