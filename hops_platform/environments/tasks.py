"""Making and removing environments, after the request that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hops_platform.environments.models import EnvironmentState
from hops_platform.environments.service import record_state
from hops_platform.outbox import Handler, Task, describe
from hops_platform.parts import Parts
from hops_platform.projects.service import CREATE_ENVIRONMENT, REMOVE_ENVIRONMENT


def create_environment(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the environment and writes down how it went."""
    project = payload["project"]
    try:
        parts.engines.environments.create(project)
    except Exception as error:
        with parts.database.session() as session:
            record_state(session, project, EnvironmentState.FAILED, error=describe(error))
        raise
    with parts.database.session() as session:
        record_state(session, project, EnvironmentState.READY)


def remove_environment(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Removes the environment of a deleted project."""
    parts.engines.environments.remove(payload["project"])


TASKS: Mapping[Task, Handler[Parts]] = {
    CREATE_ENVIRONMENT: create_environment,
    REMOVE_ENVIRONMENT: remove_environment,
}
