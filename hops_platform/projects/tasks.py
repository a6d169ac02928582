"""What follows elsewhere when a project or its members change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hops_contract.slugs import project_user
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.projects.service import (
    CREATE_FOLDERS,
    END_SESSIONS,
    FILL_TEMPLATE,
    STOP_SERVER,
    TRASH_FOLDERS,
)


def create_folders(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes the folders of the datasets."""
    parts.engines.storage.create_datasets(payload["project"], payload["datasets"])


def fill_template(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Writes the welcome template."""
    parts.engines.templates.fill(payload["project"], title=payload["title"])


def trash_folders(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Moves the files of a deleted project to the trash."""
    parts.engines.storage.trash_project(payload["project"])


def stop_server(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Stops the notebook server of one who is no longer a member, or may have none any more."""
    parts.engines.hub.stop_server(payload["user"], payload["project"])


def end_sessions(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Ends the Spark sessions of one who is no longer a member, or for another reason that is told."""
    whose = project_user(payload["project"], payload["user"])
    parts.engines.sessions.end_all(whose, reason=payload.get("reason"))


TASKS: Mapping[Task, Handler[Parts]] = {
    CREATE_FOLDERS: create_folders,
    END_SESSIONS: end_sessions,
    FILL_TEMPLATE: fill_template,
    STOP_SERVER: stop_server,
    TRASH_FOLDERS: trash_folders,
}
