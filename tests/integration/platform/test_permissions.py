"""Every route for every kind of caller, from the one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_platform.app import build_routes
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import NOT_RECORDED, declared_by
from hops_platform.http import READING_METHODS
from hops_platform.security.guard import Public, Requires, RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.security.policy import ROLE_PERMISSIONS, Role, permissions_of
from hops_platform.security.scopes import OF_EVERY_KEY, SITE_SCOPES, Scope, permissions_of_scopes

from .conftest import ON_SQLITE

PREFIX = "/services/hops/"
API = f"{PREFIX}api/v1/"
SENTENCES = {
    "{session_id}": "7",
    "{project}": "weather",
    "{user}": "ada",
    "{dataset}": "Resources",
    "{upload}": "01969b1e-6f00-7000-8000-000000000000",
    "{invitation}": "01969b1e-6f00-7000-8000-000000000000",
    "{key}": "01969b1e-6f00-7000-8000-000000000000",
    "{registration}": "01969b1e-6f00-7000-8000-000000000000",
    "{item}": "01969b1e-6f00-7000-8000-000000000000",
    "{account}": "01969b1e-6f00-7000-8000-000000000000",
    "{delivery}": "01969b1e-6f00-7000-8000-000000000000",
    "{serial}": "5c1f",
    "{name}": "nothing",
    "{target}": "tides",
    "{owner}": "tides",
    "{topic}": "measurements",
}
CALLERS: dict[str, tuple[PrincipalKind | None, bool, ProjectRole | None]] = {
    "anonymous": (None, False, None),
    "stranger": (PrincipalKind.USER, False, None),
    "scientist": (PrincipalKind.USER, False, ProjectRole.DATA_SCIENTIST),
    "owner": (PrincipalKind.USER, False, ProjectRole.DATA_OWNER),
    "admin": (PrincipalKind.USER, True, None),
    "auditor": (PrincipalKind.USER, False, None),
    "scientist-token": (PrincipalKind.PROJECT_USER, False, ProjectRole.DATA_SCIENTIST),
    "owner-token": (PrincipalKind.PROJECT_USER, False, ProjectRole.DATA_OWNER),
    "other-project-token": (PrincipalKind.PROJECT_USER, False, None),
    "hub": (PrincipalKind.SERVICE, False, None),
}


def guards(dependant: Dependant) -> Iterator[Public | Requires | RequiresInProject]:
    if isinstance(dependant.call, Public | Requires | RequiresInProject):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from guards(inner)


@dataclass(frozen=True)
class Declared:
    """A route with the guards that it and its routers declare."""

    path: str
    methods: frozenset[str]
    name: str
    guards: tuple[Public | Requires | RequiresInProject, ...]

    @property
    def guard(self) -> Public | Requires | RequiresInProject:
        return self.guards[0]


def all_routes() -> list[Declared]:
    return [
        Declared(
            path=context.path or "",
            methods=frozenset(context.methods or ()),
            name=context.name or "",
            guards=tuple(guards(context.route.dependant)),
        )
        for context in iter_route_contexts(build_routes(PREFIX).routes)
        if isinstance(context.original_route, APIRoute)
    ]


def test_every_route_declares_exactly_one_permission() -> None:
    routes = all_routes()
    assert len(routes) > 30
    undeclared = [route.path for route in routes if len(route.guards) != 1]
    assert undeclared == []


def test_routes_below_a_project_are_guarded_by_the_project() -> None:
    for route in all_routes():
        if route.path.startswith(f"{API}projects/{{project}}"):
            assert isinstance(route.guard, RequiresInProject), route.path


def test_every_permission_is_used_by_a_route_or_inside_one() -> None:
    used = {guard.permission for route in all_routes() for guard in route.guards}
    # Asked for inside `remove_member`, and inside the routes of uploads.
    assert set(Permission) - used == {Permission.MEMBERS_REMOVE, Permission.FILES_UPLOAD_DATA}


def test_the_permissions_are_alphabetised_and_each_has_a_holder() -> None:
    names = [permission.name for permission in Permission]
    assert names == sorted(names)
    assert set(Permission) == set().union(*ROLE_PERMISSIONS.values())


def test_no_project_users_token_changes_people_or_projects() -> None:
    allowed = permissions_of(PrincipalKind.PROJECT_USER, admin=True, membership=ProjectRole.DATA_OWNER)
    assert not {p for p in allowed if p.value.startswith(("members:a", "members:e", "members:r")) and "read" not in p}
    assert Permission.PROJECT_DELETE not in allowed
    assert not allowed & (ROLE_PERMISSIONS[Role.ADMINISTRATOR] - ROLE_PERMISSIONS[Role.DATA_SCIENTIST])


def test_no_project_users_token_carries_files_in_or_out_or_away() -> None:
    allowed = permissions_of(PrincipalKind.PROJECT_USER, admin=True, membership=ProjectRole.DATA_OWNER)
    for permission in (
        Permission.FILES_DOWNLOAD,
        Permission.FILES_UPLOAD,
        Permission.FILES_UPLOAD_DATA,
        Permission.DATASET_DELETE,
        Permission.TRASH_EMPTY,
    ):
        assert permission not in allowed


def test_no_project_users_token_shares_or_publishes() -> None:
    allowed = permissions_of(PrincipalKind.PROJECT_USER, admin=True, membership=ProjectRole.DATA_OWNER)
    sharing = {permission for permission in allowed if permission.value.startswith("shares:")}
    assert sharing == {Permission.SHARES_LIST, Permission.SHARES_READ}
    assert not allowed & {Permission.DATASETS_PUBLISH, Permission.DATASETS_WITHDRAW, Permission.DATASETS_DISCOVER}


def test_no_project_users_token_reads_the_audit() -> None:
    allowed = permissions_of(PrincipalKind.PROJECT_USER, admin=True, auditor=True, membership=ProjectRole.DATA_OWNER)
    assert not {permission for permission in allowed if permission.value.startswith("audit:")}


def test_every_route_that_changes_something_is_recorded_or_says_why_not() -> None:
    silent = set()
    for context in iter_route_contexts(build_routes(PREFIX).routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or set(context.methods or ()) <= READING_METHODS:
            continue
        if declared_by(route) is None:
            silent.add(route.name)
    assert silent == set(NOT_RECORDED)


def test_each_action_is_declared_by_a_route_or_known_to_be_done_otherwise() -> None:
    routes = (context.original_route for context in iter_route_contexts(build_routes(PREFIX).routes))
    declared = {found.action for route in routes if isinstance(route, APIRoute) and (found := declared_by(route))}
    # Only refused, done by the clock, and what a route says of itself.
    said_by_routes = {
        Action.LOGIN_API_KEY,
        Action.LOGIN_CODE,
        Action.LOGIN_OIDC,
        Action.LOGIN_SECURITY_KEY,
        Action.LOGIN_TICKET,
        Action.MEMBER_LEAVE,
    }
    otherwise = {
        Action.ACCESS_READ,
        Action.CERTIFICATE_RENEW,
        Action.PASSWORD_RESET_SEND,
        Action.SESSION_END,
        Action.SESSION_MISS,
        Action.SESSION_START,
    }
    assert set(Action) - declared == otherwise | said_by_routes
    assert [action.name for action in Action] == sorted(action.name for action in Action)


def expected(route: Declared, caller: str) -> str:
    kind, admin, membership = CALLERS[caller]
    guard = route.guard
    if isinstance(guard, Public):
        return "allowed"
    if kind is None:
        return "unauthenticated"
    in_project = isinstance(guard, RequiresInProject)
    if in_project and membership is None and not admin and kind is not PrincipalKind.SERVICE:
        return "absent"
    role = membership if in_project else None
    allowed = permissions_of(kind, admin=admin, auditor=caller == "auditor", membership=role)
    return "allowed" if guard.permission in allowed else "forbidden"


@ON_SQLITE
def test_every_route_answers_every_caller_as_the_table_says(hops: Any) -> None:
    clients = {"anonymous": hops.anonymous(), "hub": hops.hub(), "admin": hops.user("root-ada", admin=True)}
    clients["auditor"] = hops.user("audrey")
    clients["admin"].patch("users/audrey", json={"auditor": True}).raise_for_status()
    clients["owner"] = hops.user("ada")
    clients["scientist"] = hops.user("bob")
    clients["stranger"] = hops.user("eve")
    hops.ready_project(clients["owner"])
    hops.ready_project(clients["stranger"], "tides")
    clients["owner"].post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    # Anew for each call: a certificate that is replaced ends those of before.
    tokens = {
        "owner-token": ("ada", "weather", ProjectRole.DATA_OWNER),
        "scientist-token": ("bob", "weather", ProjectRole.DATA_SCIENTIST),
        "other-project-token": ("eve", "tides", ProjectRole.DATA_OWNER),
    }
    wrong = []
    for route in all_routes():
        if not route.path.startswith(API):
            continue
        path = route.path.removeprefix(API)
        for name, value in SENTENCES.items():
            path = path.replace(name, value)
        for method in route.methods:
            for caller in CALLERS:
                client = clients[caller] if caller in clients else hops.project_user(*tokens[caller])
                # A body that no route accepts: whoever is allowed gets past the guard and changes nothing.
                answer = client.request(
                    method, f"http://hops.test{API}{path}", json={"no": "such field"} if method != "GET" else None
                )
                outcome = {401: "unauthenticated", 403: "forbidden"}.get(answer.status_code, "allowed")
                if answer.status_code == 404 and "that you can see" in answer.text:
                    outcome = "absent"
                if route.path.endswith("/tokens"):
                    outcome = "allowed"
                if outcome != expected(route, caller) and not _said_inside(route, caller, answer.text):
                    wrong.append((method, path, caller, outcome, expected(route, caller), answer.text[:120]))
    assert wrong == []


@ON_SQLITE
def test_every_route_answers_every_key_by_its_scope(hops: Any) -> None:
    owner, admin = hops.user("ada"), hops.user("root-ada", admin=True)
    hops.ready_project(owner)
    hops.ready_project(owner, "tides")
    all_scopes = [scope.value for scope in Scope if scope not in SITE_SCOPES]
    clients = {}
    for scope in Scope:
        clients[scope.value, False] = owner, {"scopes": [scope.value]}
        clients[scope.value, True] = admin, {"scopes": [scope.value]}
    clients["bound", False] = owner, {"scopes": all_scopes, "project": "tides"}
    wrong = []
    for (label, is_admin), (maker, body) in clients.items():
        if label in {scope.value for scope in SITE_SCOPES} and not is_admin:
            continue
        # Each key has a name without scopes' colons; what a key does must not take it away from the next.
        name = label.replace(":", "-")
        made = maker.post("me/api-keys", json={"name": name, **body})
        assert made.status_code == 201, made.text
        client = hops.with_token(made.json()["key"])
        for route in all_routes():
            path = route.path.removeprefix(API)
            if not route.path.startswith(API) or path == "tokens":
                continue
            for placeholder, value in SENTENCES.items():
                path = path.replace(placeholder, value)
            for method in route.methods:
                answer = client.request(
                    method, f"http://hops.test{API}{path}", json={"no": "such field"} if method != "GET" else None
                )
                outcome = {401: "unauthenticated", 403: "forbidden"}.get(answer.status_code, "allowed")
                if answer.status_code == 404 and "that you can see" in answer.text:
                    outcome = "absent"
                due = expected_of_key(route, label, admin=is_admin)
                if outcome != due and not _said_inside(route, "", answer.text):
                    wrong.append((method, path, label, is_admin, outcome, due, answer.text[:120]))
        maker.delete(f"me/api-keys/{name}").raise_for_status()
    assert wrong == []


def expected_of_key(route: Declared, label: str, *, admin: bool) -> str:
    guard = route.guard
    if isinstance(guard, Public):
        return "allowed"
    in_project = isinstance(guard, RequiresInProject)
    if label == "bound":
        if in_project:
            return "absent"
        return "allowed" if guard.permission in OF_EVERY_KEY else "forbidden"
    scope = Scope(label)
    administrates = admin and scope in SITE_SCOPES
    membership = ProjectRole.DATA_OWNER if in_project and not admin else None
    if in_project and membership is None and not administrates:
        return "absent"
    allowed = permissions_of(PrincipalKind.USER, admin=administrates, membership=membership)
    return "allowed" if guard.permission in allowed & permissions_of_scopes({scope}) else "forbidden"


def _said_inside(route: Declared, caller: str, text: str) -> bool:
    """Refusals that a route adds to its permission: not one's own membership, none at all, or no token."""
    removes_another = route.name == "remove_member" and caller == "scientist" and "members:remove" in text
    return (
        removes_another
        or "not a member of the project" in text
        or "Only a token can be renewed" in text
        or "no account of its own" in text
    )
