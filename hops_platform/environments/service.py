"""Environments of projects: how far they are."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.engines.environments import ProjectEnvironments
from hops_platform.environments.models import Environment, EnvironmentState
from hops_platform.errors import ConflictError, EnvironmentFailedError, EnvironmentNotReadyError
from hops_platform.outbox import Delivery, enqueue
from hops_platform.projects.models import Project
from hops_platform.projects.service import CREATE_ENVIRONMENT


def check_ready(session: Session, project: Project) -> None:
    """Checks that code can run in the project's environment.

    Raises:
        EnvironmentNotReadyError: It is being made.
        EnvironmentFailedError: It could not be made.
    """
    environment = session.get(Environment, project.id)
    state = environment.state if environment is not None else EnvironmentState.CREATING
    if state is EnvironmentState.READY:
        return
    if state is EnvironmentState.FAILED and environment is not None:
        raise EnvironmentFailedError(
            f"The environment of {project.name!r} could not be made. {environment.error or ''}".strip(),
            remedy="It is tried again by itself; Try again on the project's page does so at once.",
        )
    raise EnvironmentNotReadyError(
        f"The environment of {project.name!r} is being made or brought up to date.",
        remedy="Try again in some seconds.",
        retry_after_s=2,
    )


def record_state(session: Session, project: str, state: EnvironmentState, *, error: str | None = None) -> None:
    """Writes down how far the environment of ``project`` is; the project may be gone."""
    row = session.scalar(
        select(Environment).join(Project, Project.id == Environment.project_id).where(Project.name == project)
    )
    if row is not None:
        row.state_name = state.value
        row.error = error


def retry(session: Session, project: Project) -> None:
    """Makes a failed environment anew, now.

    Raises:
        ConflictError: It has not failed.
    """
    environment = session.get(Environment, project.id)
    if environment is None or environment.state is not EnvironmentState.FAILED:
        raise ConflictError("The environment has not failed; there is nothing to try again.")
    _begin(session, environment, project)


def renew(session: Session, environments: ProjectEnvironments) -> list[str]:
    """Lets environments be made anew that an update of the platform has left behind, and names their projects.

    For the platform's start: then nobody works in them.
    """
    rows = session.execute(
        select(Environment, Project)
        .join(Project, Project.id == Environment.project_id)
        .where(Environment.state_name == EnvironmentState.READY.value, Project.deleted_at.is_(None))
    )
    outdated = [(environment, project) for environment, project in rows if not environments.is_current(project.name)]
    for environment, project in outdated:
        _begin(session, environment, project)
    return [project.name for _, project in outdated]


def renew_restored(session: Session, project: Project, environments: ProjectEnvironments) -> None:
    """The same for a project that was restored: an update may have come meanwhile."""
    environment = session.get(Environment, project.id)
    ready = environment is not None and environment.state is EnvironmentState.READY
    if environment is not None and ready and not environments.is_current(project.name):
        _begin(session, environment, project)


def _begin(session: Session, environment: Environment, project: Project) -> None:
    environment.state_name = EnvironmentState.CREATING.value
    environment.error = None
    waiting = session.scalar(
        select(Delivery).where(Delivery.project == project.name, Delivery.topic == CREATE_ENVIRONMENT.topic).limit(1)
    )
    if waiting is not None:
        waiting.due_at = now()
    else:
        enqueue(
            session,
            CREATE_ENVIRONMENT,
            entity=project.name,
            project=project.name,
            payload={"project": project.name},
        )
