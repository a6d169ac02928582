"""The Spark sessions of a project's people, as Lab looks after them: those of the session service's ``overview``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.session_items import kernel_in, resources_of

SCOPES = frozenset({"own", "project"})
HOLD_S = 12
"""How long a list is held while nothing is new; shorter than any request may last."""
LIMIT = 200
LOG_LINES = 500
_FORBIDDEN = 403


def overview_item(session: Mapping[str, Any]) -> dict[str, Any]:
    """One session, from the session service's overview."""
    return {
        **{name: session.get(name) for name in _PASSED},
        "kernel": kernel_in(session),
        "resources": resources_of(session.get("resources")),
        "gpus": (session.get("resources") or {}).get("gpus") or [],
    }


def overview(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Sessions, from the session service's overview."""
    return {
        "scope": answer["scope"],
        "items": [overview_item(session) for session in answer["items"]],
        "total": answer["total"],
        "version": answer["version"],
    }


class Overview:
    """The sessions that this server's user may look after.

    Args:
        livy: The session service.
    """

    def __init__(self, livy: PlatformClient) -> None:
        self._livy = livy

    async def listed(self, scope: str, seen: str | None) -> dict[str, Any]:
        """Body of ``GET hops/overview``: the scope that was wanted, or one's own where that is not allowed.

        Args:
            scope: ``own`` or ``project``.
            seen: ``version`` of the last answer, to wait for another one.

        Raises:
            ProblemError: The session service gave no answer.
        """
        try:
            return await self._list(scope, seen)
        except ProblemError as error:
            if error.status != _FORBIDDEN or scope == "own":
                raise
        # A Data Owner no more: what is one's own is shown all the same.
        return await self._list("own", seen)

    async def log(self, session_id: int) -> dict[str, Any]:
        """Body of ``GET hops/overview/{id}/log``: the last lines."""
        return await self._livy.read(
            f"overview/{session_id}/log?size={LOG_LINES}",
            lambda answer: {"total": answer["total"], "lines": answer["log"]},
        )

    async def stop(self, session_id: int) -> dict[str, Any]:
        """Ends one; the answer is the session with the reason."""
        return await self._livy.read(f"overview/{session_id}", overview_item, method="DELETE")

    async def stop_idle(self, scope: str, sessions: list[int]) -> dict[str, Any]:
        """Ends those of ``sessions`` that are idle still; tells which."""
        return await self._livy.read(
            "overview:stop-idle",
            lambda answer: {"ended": list(answer["ended"])},
            method="POST",
            body={"scope": scope, "sessions": sessions},
        )

    async def _list(self, scope: str, seen: str | None) -> dict[str, Any]:
        held = {"seen": seen, "wait_s": HOLD_S} if seen else {}
        return await self._livy.read(f"overview?{urlencode({'scope': scope, 'limit': LIMIT, **held})}", overview)


_PASSED = (
    "id", "kind", "name", "user", "own", "state", "reason", "notebook", "app_id", "created", "idle_since",
    "idle_timeout_s", "ends", "statements", "waiting", "queue", "last_statement", "spark_ui",
)  # fmt: skip
