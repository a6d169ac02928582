from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from hops_platform.activity import service
from hops_platform.activity.schemas import ActivityAnswer
from hops_platform.http import After, DatabaseSession, Limit, in_one_step
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["activity"])


@router.get("/projects/{project}/activity")
@in_one_step
def list_activity(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.ACTIVITY_READ))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ActivityAnswer]:
    """What happened in the project, the latest first; of that, what the caller may know."""
    return service.list_activity(session, access, limit=limit, after=after)
