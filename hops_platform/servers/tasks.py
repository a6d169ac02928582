"""Starting a notebook server after the request that asked for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hops_platform.database import now
from hops_platform.engines.hub import ServerState
from hops_platform.errors import EngineUnavailableError
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.servers.service import START_SERVER

LOG = logging.getLogger("hops.servers")
PATIENCE = timedelta(minutes=3)
"""A server that appears long after somebody asked for it would only surprise."""


def start_server(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Starts a server that was stopped to be started again.

    Raises:
        EngineUnavailableError: The old one is still ending, or the Hub does not answer; it is tried again.
    """
    user, project = payload["user"], payload["project"]
    if now() - datetime.fromisoformat(payload["asked_at"]) > PATIENCE:
        LOG.warning("server %s of %s is not started again: it was asked for too long ago", project, user)
        return
    if parts.engines.hub.server(user, project).state is ServerState.STOPPING:
        raise EngineUnavailableError("The server is still stopping.", remedy="It is tried again by itself.")
    parts.engines.hub.start_server(user, project, title=payload["title"], options=payload["options"])


TASKS: Mapping[Task, Handler[Parts]] = {START_SERVER: start_server}
