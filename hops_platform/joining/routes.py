from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import CALLER, Known, records
from hops_platform.http import After, DatabaseSession, Limit, in_one_step
from hops_platform.joining import service
from hops_platform.joining.schemas import Acceptance, JoinRequestAnswer, ListedProject, NewJoinRequest
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.projects.models import Project
from hops_platform.projects.schemas import Candidate, MemberAnswer
from hops_platform.security.authentication import Caller, ProjectAccess
from hops_platform.security.guard import Requires, RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.users.models import User

router = APIRouter(tags=["joining"])
MAX_SEARCH_LENGTH = 200
Name = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["weather"])]
UserName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["grace"])]
Asks = Annotated[Caller, Depends(Requires(Permission.JOIN_REQUESTS_MAKE))]
Decides = Annotated[ProjectAccess, Depends(RequiresInProject(Permission.JOIN_REQUESTS_DECIDE))]


@router.get("/listed-projects")
@in_one_step
def list_listed_projects(
    caller: Annotated[Caller, Depends(Requires(Permission.PROJECTS_DISCOVER))],
    session: DatabaseSession,
    search: Annotated[
        str,
        Query(
            max_length=MAX_SEARCH_LENGTH,
            pattern=r"^[^\x00]*$",
            description="Part of a name, a title or a description.",
            examples=["coast"],
        ),
    ] = "",
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ListedProject]:
    """The projects that everybody here may find, by name."""
    rows, following = fetch_page(session, service.listed_projects(search), key=Project.name, limit=limit, after=after)
    return Page(items=service.show_listed(session, [row[0] for row in rows], caller.person), next=following)


@router.post(
    "/listed-projects/{name}/join-request",
    status_code=201,
    dependencies=[records(Action.JOIN_REQUEST_MAKE, CALLER, project="name")],
)
def ask_to_join(name: Name, request: NewJoinRequest, caller: Asks, session: DatabaseSession) -> ListedProject:
    """Asks the Data Owners of a listed project to be added."""
    return service.ask_to_join(session, caller.person, name, request.message)


@router.delete(
    "/listed-projects/{name}/join-request",
    status_code=204,
    dependencies=[records(Action.JOIN_REQUEST_WITHDRAW, CALLER, project="name")],
)
def take_join_request_back(name: Name, caller: Asks, session: DatabaseSession) -> None:
    """Takes my request back."""
    service.take_back(session, caller.person, name)


@router.get("/projects/{project}/join-requests")
@in_one_step
def list_join_requests(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.JOIN_REQUESTS_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[JoinRequestAnswer]:
    """Who asks to join, by name."""
    query = service.requests_to(access.project)
    rows, following = fetch_page(session, query, key=User.name, limit=limit, after=after)
    return Page(items=[service.show_request(row[1]) for row in rows], next=following)


@router.post(
    "/projects/{project}/join-requests/{user}:accept",
    status_code=201,
    dependencies=[records(Action.JOIN_REQUEST_ACCEPT, "user")],
)
def accept_join_request(
    user: UserName, request: Acceptance, access: Decides, session: DatabaseSession, known: Known
) -> MemberAnswer:
    """Makes one who asked a member."""
    known.details["role"] = request.role.value
    return service.accept(session, access.project, user, request.role)


@router.post(
    "/projects/{project}/join-requests/{user}:decline",
    status_code=204,
    dependencies=[records(Action.JOIN_REQUEST_DECLINE, "user")],
)
def decline_join_request(user: UserName, access: Decides, session: DatabaseSession) -> None:
    """Declines a request; who asked sees it."""
    service.decline(session, access.project, user)


@router.get("/projects/{project}/candidates")
def find_candidates(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.MEMBERS_SEARCH))],
    session: DatabaseSession,
    search: Annotated[
        str,
        Query(
            min_length=service.SHORTEST_SEARCH,
            max_length=MAX_SEARCH_LENGTH,
            pattern=r"^[^\x00]*$",
            description="Beginning of a user name, or of a word of a title.",
            examples=["gra"],
        ),
    ],
) -> list[Candidate]:
    """The first users who could be added and are called so."""
    return service.candidates(session, access.project, search)
