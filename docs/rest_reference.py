"""Directives ``rest-routes`` and ``api-key-scopes``: tables of the REST API, made from the code at each build."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docutils import nodes
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from hops_platform.app import build_routes
from hops_platform.security.guard import Public, Requires, RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.security.policy import ROLE_PERMISSIONS, Role
from hops_platform.security.scopes import SCOPE_PERMISSIONS, SCOPE_WORDS

PREFIX = "/services/hops/"
API = f"{PREFIX}api/v1/"
WORDS = {
    Role.ADMINISTRATOR: "administrator",
    Role.ANYONE: "anyone",
    Role.AUDITOR: "auditor",
    Role.DATA_OWNER: "Data Owner",
    Role.DATA_SCIENTIST: "Data Scientist",
    Role.HUB: "service `hub`",
    Role.PROJECT_USER: "project-user",
    Role.USER: "user",
}


def permissions_of(dependant: Dependant) -> Iterator[Permission]:
    """The permissions that a route and its routers declare."""
    if isinstance(dependant.call, Public | Requires | RequiresInProject):
        yield dependant.call.permission
    for inner in dependant.dependencies:
        yield from permissions_of(inner)


def routes() -> list[tuple[str, str, str, Permission, str]]:
    """Subject, method, path below the API's prefix, permission and a sentence for each route, in a stable order."""
    found = []
    described = build_routes(PREFIX).openapi()["paths"]
    for context in iter_route_contexts(build_routes(PREFIX).routes):
        path, route = context.path or "", context.original_route
        if not isinstance(route, APIRoute) or not path.startswith(API):
            continue
        for method in sorted(context.methods or ()):
            operation = described[path][method.lower()]
            sentence = operation.get("description", operation["summary"]).split("\n\n")[0].replace("\n", " ")
            (permission,) = permissions_of(context.route.dependant)
            found.append((operation["tags"][0], method, path.removeprefix(API), permission, sentence))
    return sorted(found, key=lambda row: (row[0], row[2], row[1]))


def holders(permission: Permission) -> str:
    """The roles that have ``permission``, for people."""
    return ", ".join(WORDS[role] for role in Role if permission in ROLE_PERMISSIONS[role])


def routes_as_markdown() -> str:
    """One table for each subject."""
    parts = []
    for subject, rows in groupby(routes(), key=lambda row: row[0]):
        parts += [
            f"**{subject[:1].upper()}{subject[1:]}**",
            "",
            "| route | permission | who has it | what it does |",
            "|---|---|---|---|",
        ]
        parts += [
            f"| `{method} {path}` | `{permission}` | {holders(permission)} | {sentence} |"
            for _, method, path, permission, sentence in rows
        ]
        parts.append("")
    return "\n".join(parts)


class RestRoutes(SphinxDirective):
    """Puts the tables of the routes where it stands."""

    def run(self) -> list[nodes.Node]:
        """The tables."""
        return self.parse_text_to_nodes(routes_as_markdown())


def scopes_as_markdown() -> str:
    """The table of the scopes."""
    rows = ["| scope | what it is for | permissions |", "|---|---|---|"]
    rows += [
        f"| `{scope.value}` | {words} | {', '.join(f'`{name}`' for name in sorted(SCOPE_PERMISSIONS[scope]))} |"
        for scope, words in SCOPE_WORDS.items()
    ]
    return "\n".join(rows)


class ApiKeyScopes(SphinxDirective):
    """Puts the table of the scopes where it stands."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        return self.parse_text_to_nodes(scopes_as_markdown())


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known to Sphinx."""
    app.add_directive("rest-routes", RestRoutes)
    app.add_directive("api-key-scopes", ApiKeyScopes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
