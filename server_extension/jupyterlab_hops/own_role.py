"""Whether the person behind this notebook server is a Data Owner, now.

Laws:

1. Whoever was no Data Owner when the server was started is none for as long as it runs: that word came from the control
   plane before any code of theirs ran here.
2. Whoever was one is asked for again, and what nobody confirms is not so.
3. The answer has to be about this person in this project, whatever token lies in the server's folder by now.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyterlab_hops.platform_client import PlatformClient

DATA_OWNER = "data_owner"
FRESH_S = 2.0
"""For so long an answer is taken for that of now: a page of files asks many times at once."""


def role_in(me: Mapping[str, Any], *, user: str, project: str) -> str | None:
    """The role of ``user`` in ``project``, from the control plane's ``me`` of this server's token; ``None`` for none.

    Raises:
        LookupError, TypeError, AttributeError: ``me`` is something else.
    """
    if (me["kind"], me["name"], me["project"]) != ("project_user", user, project):
        return None
    return next((str(one["role"]) for one in me["memberships"] if one["project"] == project), None)


class OwnRole:
    """The role of one server's person.

    Args:
        control_plane: Who knows it.
        config: ``server.json``, as it was at the start.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        control_plane: PlatformClient,
        config: Mapping[str, Any],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._control_plane = control_plane
        self._user = str(config["user"])
        self._clock = clock
        self._asking = asyncio.Lock()
        self._owner = False
        self._told_at: float | None = None
        self.project = str(config["project"])
        """The project's name."""
        self.owner_at_start = config.get("role") == DATA_OWNER
        """See the first law."""

    async def is_owner(self) -> bool:
        """Whether they are a Data Owner, at most :data:`FRESH_S` seconds ago.

        Raises:
            ProblemError: The control plane gave no answer.
        """
        if not self.owner_at_start:
            return False
        async with self._asking:
            if self._told_at is None or self._clock() - self._told_at > FRESH_S:
                asked_at = self._clock()
                role = await self._control_plane.read("api/v1/me", self._read)
                self._owner, self._told_at = role == DATA_OWNER, asked_at
            return self._owner

    def _read(self, me: Mapping[str, Any]) -> str | None:
        return role_in(me, user=self._user, project=self.project)
