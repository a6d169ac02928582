from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import select

from hops_contract.options import ServerLimits, ServerOptions
from hops_contract.servers import ServerGrant
from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import CALLER, Known, records
from hops_platform.environments.service import check_ready
from hops_platform.http import (
    After,
    DatabaseSession,
    IfMatch,
    Limit,
    PartsOf,
    check_entity_tag,
    entity_tag,
    in_one_step,
)
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.projects.models import Membership, Project
from hops_platform.quotas import service as quotas
from hops_platform.quotas.use import check_room_for_server
from hops_platform.security.authentication import Caller, ProjectAccess
from hops_platform.security.guard import Requires, RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.servers import service
from hops_platform.servers.schemas import GrantRequest, ServerAnswer, ServerOptionsAnswer, ServerStart, SiteProjects
from hops_platform.servers.site import find_projects, show_projects
from hops_platform.users.models import User

router = APIRouter(tags=["servers"])
# Described by its wire type, which would hide the token if it also made the answer.
_GRANT_RESPONSE: dict[int | str, dict[str, Any]] = {
    201: {
        "model": ServerGrant,
        "content": {
            "application/json": {
                "example": {
                    "config": {
                        "project": "weather",
                        "project_title": "Weather of the coast",
                        "user": "ada",
                        "role": "data_owner",
                        "options": {"executors": 2, "executor_cores": 1, "executor_memory_mib": 1024},
                        "project_folder": "/Projects/weather",
                        "start_folder": "Jupyter",
                        "environment": "/environments/weather",
                        "control_plane_url": "http://127.0.0.1:8090/services/hops/",
                        "livy_url": "http://127.0.0.1:8998/services/livy",
                    },
                    "token": "eyJhbGciOiJFZERTQSIs…",
                    "certificate": {
                        "name": "weather__ada",
                        "not_after": "2026-10-31T10:00:00Z",
                        "certificate": "-----BEGIN CERTIFICATE-----…",
                        "key": "-----BEGIN PRIVATE KEY-----…",
                        "authorities": "-----BEGIN CERTIFICATE-----…",
                        "key_store": "MIIJ…",
                        "trust_store": "MIIE…",
                        "password": "k3fL…",
                    },
                    "display_name": "Weather of the coast",
                }
            }
        },
    }
}
Reads = Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVER_READ))]
Search = Annotated[
    str,
    Query(max_length=200, pattern=r"^[^\x00]*$", description="Part of a name or a title.", examples=["weather"]),
]
Starts = Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVER_START))]


@router.get("/projects/{project}/server-options")
def read_server_options(access: Reads, session: DatabaseSession, parts: PartsOf) -> ServerOptionsAnswer:
    """My options in this project, with all that a form needs to change them."""
    return service.show_options(session, access.member, capacity=parts.engines.capacity.read())


@router.put("/projects/{project}/server-options")
def remember_server_options(
    options: ServerOptions, access: Starts, session: DatabaseSession, parts: PartsOf
) -> ServerOptions:
    """Remembers my options in this project for the next start."""
    service.remember_options(session, access.member, options, capacity=parts.engines.capacity.read())
    return options


@router.get("/projects/{project}/server")
def read_server(access: Reads, session: DatabaseSession, parts: PartsOf) -> ServerAnswer:
    """My notebook server in this project."""
    membership = access.member
    options = service.options_of(session, membership, capacity=parts.engines.capacity.read())
    session.commit()  # nobody waits for the database while the Hub is asked
    server = parts.engines.hub.server(membership.user.name, membership.project.name)
    return service.show_server(membership, server, options, base_url=parts.settings.hub_base_url)


@router.put("/projects/{project}/server", status_code=202, dependencies=[records(Action.SERVER_START, CALLER)])
def start_server(
    access: Starts, session: DatabaseSession, parts: PartsOf, request: ServerStart | None = None
) -> ServerAnswer:
    """Starts my notebook server; one that runs stays as it is."""
    membership = access.member
    check_ready(session, access.project)
    capacity = parts.engines.capacity.read()
    asked = request.options if request is not None else None
    options = asked or service.options_of(session, membership, capacity=capacity)
    service.remember_options(session, membership, options, capacity=capacity)
    check_room_for_server(session, access.project, membership.user.name, parts.engines.hub)
    # The Hub asks this service for a grant before it answers: the database must be free by then.
    session.commit()
    user, project = membership.user.name, membership.project.name
    parts.engines.hub.start_server(
        user, project, title=membership.project.title, options=options.model_dump(mode="json")
    )
    return service.show_server(
        membership, parts.engines.hub.server(user, project), options, base_url=parts.settings.hub_base_url
    )


@router.delete("/projects/{project}/server", status_code=204, dependencies=[records(Action.SERVER_STOP, CALLER)])
def stop_server(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVER_STOP))],
    session: DatabaseSession,
    parts: PartsOf,
) -> None:
    """Stops my notebook server; one that does not run is left as it is."""
    membership = access.member
    session.commit()  # nobody waits for the database while the Hub stops it
    parts.engines.hub.stop_server(membership.user.name, membership.project.name)


@router.post(
    "/projects/{project}/server:restart",
    status_code=202,
    response_class=Response,
    dependencies=[records(Action.SERVER_RESTART, CALLER)],
)
def restart_server(access: Starts, session: DatabaseSession, parts: PartsOf) -> None:
    """Stops and starts my notebook server, with the options of last time; follow its state with ``GET …/server``."""
    service.restart_server(session, access.member, capacity=parts.engines.capacity.read())


@router.get("/projects/{project}/servers")
@in_one_step
def list_servers(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVERS_LIST))],
    session: DatabaseSession,
    parts: PartsOf,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ServerAnswer]:
    """The servers of all members, by user."""
    query = (
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.project_id == access.project.id)
    )
    rows, following = fetch_page(session, query, key=User.name, limit=limit, after=after)
    capacity = parts.engines.capacity.read()
    members = [(row[1], service.options_of(session, row[1], capacity=capacity)) for row in rows]
    session.commit()  # nobody waits for the database while the Hub is asked
    hub = parts.engines.hub
    return Page(
        items=[
            service.show_server(
                membership,
                hub.server(membership.user.name, membership.project.name),
                options,
                base_url=parts.settings.hub_base_url,
            )
            for membership, options in members
        ],
        next=following,
    )


@router.get("/site/projects")
def list_projects_of_the_site(
    _caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_OVERSEE))],
    session: DatabaseSession,
    parts: PartsOf,
    search: Search = "",
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> SiteProjects:
    """All projects by name, for administrators: who owns them, their limits and what runs; nothing of their files."""
    rows, following = fetch_page(session, find_projects(search), key=Project.name, limit=limit, after=after)
    return show_projects(
        session,
        [row[0] for row in rows],
        hub=parts.engines.hub,
        capacity=parts.engines.capacity.read(),
        following=following,
    )


@router.get("/projects/{project}/limits")
def read_limits(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.LIMITS_READ))],
    session: DatabaseSession,
    response: Response,
) -> ServerLimits:
    """The most that a server of this project may ask for, and all of it together; the ETag is what an edit needs."""
    response.headers["ETag"] = entity_tag(quotas.version_of_limits(session, access.project))
    return quotas.limits_of(session, access.project)


@router.put("/projects/{project}/limits", dependencies=[records(Action.LIMITS_EDIT, "project")])
def edit_limits(  # noqa: PLR0917 - the request, and parts
    limits: ServerLimits,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.LIMITS_EDIT))],
    session: DatabaseSession,
    response: Response,
    known: Known,
    if_match: IfMatch = None,
) -> ServerLimits:
    """Sets the most that a server of this project may ask for, and all of it together."""
    known.details.update(limits.model_dump(mode="json"))
    version = quotas.version_of_limits(session, access.project)
    check_entity_tag(if_match, version)
    quotas.edit_limits(session, access.project, limits, version=version)
    response.headers["ETag"] = entity_tag(version + 1)
    return limits


@router.get("/projects/{project}/members/{user}/server-options")
def read_members_server_options(
    user: Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["ada"])],
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVER_GRANT))],
    session: DatabaseSession,
    parts: PartsOf,
) -> ServerOptionsAnswer:
    """A member's options, for the start form that the Hub shows."""
    membership = service.member_for_server(session, access.project, user)
    return service.show_options(session, membership, capacity=parts.engines.capacity.read())


@router.post(
    "/projects/{project}/server-grants",
    status_code=201,
    responses=_GRANT_RESPONSE,
    dependencies=[records(Action.SERVER_GRANT)],
)
def grant_server(
    request: GrantRequest,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVER_GRANT))],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
) -> dict[str, Any]:
    """Lets the Hub start a server: its configuration and its first token."""
    known.thing = request.user
    grant = service.grant_server(session, access.project, user=request.user, raw_options=request.options, parts=parts)
    # The wire type hides its secrets wherever it is shown; this answer is the one place where they must stand.
    secrets = {"token": grant.token.get_secret_value(), "certificate": grant.certificate.on_the_wire()}
    return grant.model_dump(mode="json") | secrets
