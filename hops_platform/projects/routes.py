from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.environments.service import renew_restored
from hops_platform.http import (
    After,
    DatabaseSession,
    IdempotencyKeyHeader,
    IfMatch,
    Limit,
    PartsOf,
    check_entity_tag,
    entity_tag,
    in_one_step,
)
from hops_platform.idempotency import create_once
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.projects import closing, deletion, service
from hops_platform.projects.models import Membership, Project
from hops_platform.projects.schemas import (
    DeletedProject,
    MemberAnswer,
    MemberEdit,
    MemberInList,
    NewMember,
    NewProject,
    ProjectAnswer,
    ProjectArchiving,
    ProjectDeletion,
    ProjectEdit,
    ProjectInList,
    ProjectServices,
)
from hops_platform.security.authentication import Caller, ProjectAccess, authorize_in_project
from hops_platform.security.guard import Requires, RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["projects"])
Archived = Annotated[bool, Query(description="Whether those that are archived, or the others.", examples=[True])]
DeletedName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["weather"])]
MemberName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["ada"])]


@router.get("/projects", response_model=Page[ProjectAnswer])
@in_one_step
def list_projects(
    caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_LIST))],
    session: DatabaseSession,
    archived: Archived = False,  # noqa: FBT002 - a word of the address
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ProjectInList]:
    """The caller's projects by name: those that are not archived, or those that are."""
    items, following = service.page_of_projects(session, caller.person, archived=archived, limit=limit, after=after)
    return Page(items=items, next=following)


@router.post("/projects", status_code=201, response_model=ProjectAnswer, dependencies=[records(Action.PROJECT_CREATE)])
def create_project(  # noqa: PLR0917 - the request, and parts
    request: NewProject,
    caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_CREATE))],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Creates a project. Its files and its environment are made at once, but after this answer."""
    known.thing = known.project = request.name
    return create_once(
        session,
        user_id=caller.person.id,
        key=key,
        route="POST projects",
        request=request,
        create=lambda: service.create_project(session, caller, request, most=parts.settings.projects_per_user),
    )


@router.get("/projects/{project}")
def read_project(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.PROJECT_READ))],
    session: DatabaseSession,
    response: Response,
) -> ProjectAnswer:
    """One project; its ETag is what an edit needs."""
    response.headers["ETag"] = entity_tag(access.project.version)
    return service.show_project(session, access.project, access.membership)


@router.patch("/projects/{project}", dependencies=[records(Action.PROJECT_EDIT, "project")])
def edit_project(  # noqa: PLR0917 - the request, and parts
    request: ProjectEdit,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.PROJECT_EDIT))],
    session: DatabaseSession,
    response: Response,
    parts: PartsOf,
    known: Known,
    if_match: IfMatch = None,
) -> ProjectAnswer:
    """Changes title, description, listing and what code reaches of the network."""
    project = access.project
    if request.network is not None:
        known.details["network"] = request.network.value
    check_entity_tag(if_match, project.version)
    rule = parts.settings.sandbox_network
    service.edit_project(session, project, request, rule=rule, version=project.version)
    response.headers["ETag"] = entity_tag(project.version)
    return service.show_project(session, project, access.membership)


@router.delete("/projects/{project}", status_code=204, dependencies=[records(Action.PROJECT_DELETE, "project")])
def delete_project(
    request: ProjectDeletion,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.PROJECT_DELETE))],
    session: DatabaseSession,
) -> None:
    """Deletes a project: from now on nobody sees it, and for some days its Data Owners can restore it."""
    deletion.delete_project(session, access.project, repeated_name=request.name)


@router.post("/projects/{project}:archive", dependencies=[records(Action.PROJECT_ARCHIVE, "project")])
def archive_project(
    request: ProjectArchiving,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.PROJECT_ARCHIVE))],
    session: DatabaseSession,
    response: Response,
) -> ProjectAnswer:
    """Archives a project: servers stop, sessions end, and it is for reading until that is taken back."""
    closing.archive(session, access.project, repeated_name=request.name)
    response.headers["ETag"] = entity_tag(access.project.version)
    return service.show_project(session, access.project, access.membership)


@router.post("/projects/{project}:unarchive", dependencies=[records(Action.PROJECT_UNARCHIVE, "project")])
def unarchive_project(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.PROJECT_ARCHIVE))],
    session: DatabaseSession,
    response: Response,
) -> ProjectAnswer:
    """Takes a project out of the archive; nothing starts by itself."""
    closing.unarchive(session, access.project)
    response.headers["ETag"] = entity_tag(access.project.version)
    return service.show_project(session, access.project, access.membership)


@router.put("/projects/{project}/services", dependencies=[records(Action.PROJECT_SET_SERVICES)])
def set_services(  # noqa: PLR0917 - the request, and parts
    request: ProjectServices,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SERVICES_EDIT))],
    session: DatabaseSession,
    response: Response,
    known: Known,
    if_match: IfMatch = None,
) -> ProjectAnswer:
    """Switches services of a project on and off; what runs of one that is switched off ends."""
    project = access.project
    check_entity_tag(if_match, project.version)
    before = closing.services_on(project)
    closing.set_services(session, project, request.services, version=project.version)
    known.thing = closing.changed_in_words(before, request.services) or "nothing"
    known.details["services"] = [one.value for one in closing.services_on(project)]
    response.headers["ETag"] = entity_tag(project.version)
    return service.show_project(session, project, access.membership)


@router.get("/deleted-projects")
@in_one_step
def list_deleted_projects(
    caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_RESTORE))],
    session: DatabaseSession,
    parts: PartsOf,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[DeletedProject]:
    """The deleted projects that I can restore: those that I owned; for administrators all."""
    query = deletion.deleted_projects(caller)
    rows, following = fetch_page(session, query, key=Project.name, limit=limit, after=after)
    kept = parts.settings.deleted_projects_kept
    return Page(items=[deletion.show_deleted(row[0], kept=kept) for row in rows], next=following)


@router.post("/deleted-projects/{name}:restore", dependencies=[records(Action.PROJECT_RESTORE, "name", project="name")])
def restore_project(
    name: DeletedName,
    caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_RESTORE))],
    session: DatabaseSession,
    parts: PartsOf,
) -> ProjectAnswer:
    """Restores a deleted project with its members and its files."""
    project = deletion.find_deleted(session, caller, name)
    deletion.restore_project(session, caller, project, most=parts.settings.projects_per_user)
    renew_restored(session, project, parts.engines.environments)
    return service.show_project(session, project, session.get(Membership, (project.id, caller.person.id)))


@router.delete(
    "/deleted-projects/{name}",
    status_code=204,
    dependencies=[records(Action.PROJECT_PURGE, "name", project="name")],
)
def purge_project(
    name: DeletedName,
    request: ProjectDeletion,
    caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_PURGE))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Deletes a deleted project for good; its files go to the platform's trash, and its name is free."""
    project = deletion.find_deleted(session, caller, name)
    known.within(project.name, project.id)  # when it is gone nobody can tell which of that name it was
    deletion.purge_project(session, project, repeated_name=request.name)


@router.get("/projects/{project}/members", response_model=Page[MemberAnswer])
@in_one_step
def list_members(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.MEMBERS_READ))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[MemberInList]:
    """The members by name."""
    items, following = service.page_of_members(session, access.project, limit=limit, after=after)
    return Page(items=items, next=following)


@router.post(
    "/projects/{project}/members",
    status_code=201,
    response_model=MemberAnswer,
    dependencies=[records(Action.MEMBER_ADD)],
)
def add_member(
    request: NewMember,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.MEMBERS_ADD))],
    session: DatabaseSession,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Adds a user to the project."""
    known.thing, known.details["role"] = request.user, request.role.value
    return create_once(
        session,
        user_id=access.caller.person.id,
        key=key,
        route=f"POST projects/{access.project.id}/members",
        request=request,
        create=lambda: service.add_member(session, access.project, request),
    )


@router.patch("/projects/{project}/members/{user}", dependencies=[records(Action.MEMBER_EDIT, "user")])
def change_role(
    *,
    user: MemberName,
    request: MemberEdit,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.MEMBERS_EDIT))],
    session: DatabaseSession,
    response: Response,
    known: Known,
    if_match: IfMatch = None,
) -> MemberAnswer:
    """Gives a member another role; the ETag is the member's version in the list, in quotes."""
    known.details["role"] = request.role.value
    membership = service.find_member(session, access.project, user)
    check_entity_tag(if_match, membership.version)
    service.change_role(session, membership, request.role, version=membership.version)
    response.headers["ETag"] = entity_tag(membership.version)
    return service.show_member(membership)


@router.delete(
    "/projects/{project}/members/{user}", status_code=204, dependencies=[records(Action.MEMBER_REMOVE, "user")]
)
def remove_member(
    user: MemberName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.PROJECT_LEAVE))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Removes a member, or leaves: oneself may go, another only a Data Owner may remove."""
    if user == access.caller.principal.user:
        known.action = Action.MEMBER_LEAVE
    else:
        authorize_in_project(session, access.caller, access.project.name, Permission.MEMBERS_REMOVE)
    membership = service.find_member(session, access.project, user)
    service.remove_member(session, membership)
