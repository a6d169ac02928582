from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from hops_platform.audit.actions import Action
from hops_platform.audit.requests import records
from hops_platform.environments import service
from hops_platform.http import DatabaseSession
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["environments"])


@router.post(
    "/projects/{project}/environment:retry",
    status_code=204,
    dependencies=[records(Action.ENVIRONMENT_RETRY, "project")],
)
def retry_environment(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.ENVIRONMENT_RETRY))],
    session: DatabaseSession,
) -> None:
    """Makes an environment anew that could not be made."""
    service.retry(session, access.project)
