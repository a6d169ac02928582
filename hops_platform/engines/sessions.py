"""The Spark session service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hops_contract.happenings import SessionHappenings


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsUse:
    """What the sessions of a project have together: how many they are, and what they were given."""

    sessions: int = 0
    executors: int = 0
    memory_mib: int = 0
    gpus: int = 0


class SparkSessions(Protocol):
    """Spark sessions and batches of project-users."""

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def end_all(self, project_user: str, *, reason: str | None = None) -> None:
        """Ends all sessions and batches of ``project__user``; there may be none.

        Args:
            project_user: Whose.
            reason: What they are told, who may begin others with the tokens they have, if they are let; ``None`` for
                one who is no longer a member.
        """
        ...

    def use_of(self, project: str) -> SessionsUse:
        """What the sessions of a project have together."""
        ...

    def happened(self, stream: str, after: int, *, limit: int) -> SessionHappenings:
        """What became of sessions after ``after`` of ``stream``; what came up to it is forgotten there.

        Raises:
            PlatformError: It does not say.
        """
        ...

    def look(self, token: str, query: Mapping[str, str], *, wait_s: float = 0) -> Mapping[str, Any]:
        """Sessions that the holder of ``token`` may look after.

        Args:
            token: The caller's own. Never logged.
            query: The scope, and which page of it.
            wait_s: How long to wait for something new; it may be less when many wait.

        Raises:
            PlatformError: What the engine said, as it said it.
        """
        ...

    def log(self, token: str, session: int, *, size: int) -> Mapping[str, Any]:
        """The last ``size`` lines of one of them. Raises as :meth:`look`."""
        ...

    def stop(self, token: str, session: int, *, source: str = "") -> Mapping[str, Any]:
        """Ends one of them; returns it as it then is. Raises as :meth:`look`.

        Args:
            token: The caller's own. Never logged.
            session: Its number.
            source: The network address that the caller is at, which is told of its end.
        """
        ...

    def stop_idle(self, token: str, wanted: Mapping[str, Any], *, source: str = "") -> Sequence[int]:
        """Ends the idle ones of those that are ``wanted``; returns their numbers. As :meth:`stop`."""
        ...
