from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from hops_contract.options import ServerLimits, SessionBounds
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.http import DatabaseSession, IfMatch, PartsOf, check_entity_tag, entity_tag
from hops_platform.quotas import service
from hops_platform.quotas.schemas import ProjectUse
from hops_platform.quotas.use import show_use
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import Requires, RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["quotas"])


@router.get("/projects/{project}/use")
def read_use(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.LIMITS_READ))],
    session: DatabaseSession,
    parts: PartsOf,
) -> ProjectUse:
    """What the project uses of what it may use together."""
    return show_use(session, access.project, parts.engines)


@router.get("/projects/{project}/sessions/limits")
def read_session_limits(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SESSIONS_START))],
    session: DatabaseSession,
    parts: PartsOf,
) -> SessionBounds:
    """The project's limits, network and fullness for a session that is about to start; refused (409) where none may."""
    limits = service.limits_of(session, access.project)
    network, full = parts.settings.network_of(access.project.network), service.is_full(session, access.project)
    return SessionBounds(**limits.model_dump(), network=network, full=full)


@router.get("/site/limits", dependencies=[Depends(Requires(Permission.LIMITS_OVERSEE))])
def read_default_limits(session: DatabaseSession, response: Response) -> ServerLimits:
    """The limits of projects that have none of their own; the ETag is what an edit needs."""
    response.headers["ETag"] = entity_tag(service.version_of_defaults(session))
    return service.default_limits(session)


@router.put(
    "/site/limits",
    dependencies=[Depends(Requires(Permission.LIMITS_SET_DEFAULTS)), records(Action.LIMITS_SET_DEFAULTS)],
)
def edit_default_limits(
    limits: ServerLimits, session: DatabaseSession, response: Response, known: Known, if_match: IfMatch = None
) -> ServerLimits:
    """Sets the limits of projects that have none of their own."""
    known.details.update(limits.model_dump(mode="json"))
    version = service.version_of_defaults(session)
    check_entity_tag(if_match, version)
    service.edit_defaults(session, limits, version=version)
    response.headers["ETag"] = entity_tag(version + 1)
    return limits
