"""Which role has which permissions: the one table. What does not stand here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_platform.security.permissions import Permission as P


class Role(StrEnum):
    """What a caller can be towards a resource; a caller may be several at once."""

    ANYONE = "anyone"
    USER = "user"
    ADMINISTRATOR = "administrator"
    DATA_SCIENTIST = "data_scientist"
    DATA_OWNER = "data_owner"
    HUB = "hub"
    PROJECT_USER = "project_user"
    """Anything that holds a project-user's token; it has nothing by itself beyond its own token."""


_DATA_SCIENTIST = frozenset(
    {
        P.DATASETS_LIST,
        P.ENVIRONMENT_RETRY,
        P.LIMITS_READ,
        P.MEMBERS_READ,
        P.PROJECT_LEAVE,
        P.PROJECT_READ,
        P.SERVER_READ,
        P.SERVER_START,
        P.SERVER_STOP,
    }
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[P]] = MappingProxyType(
    {
        Role.ANYONE: frozenset({P.BROWSER_LOGIN, P.HEALTH_READ, P.KEYS_READ, P.TOKENS_CREATE}),
        Role.USER: frozenset({P.ME_PASSWORD, P.ME_READ, P.PROJECTS_CREATE, P.PROJECTS_LIST, P.TOKENS_RENEW}),
        Role.ADMINISTRATOR: frozenset(
            {
                P.LIMITS_EDIT,
                P.LIMITS_READ,
                P.MEMBERS_READ,
                P.OUTBOX_READ,
                P.OUTBOX_RETRY,
                P.PROJECT_READ,
                P.USERS_CREATE,
                P.USERS_EDIT,
                P.USERS_LIST,
                P.USERS_READ,
            }
        ),
        Role.DATA_SCIENTIST: _DATA_SCIENTIST,
        Role.DATA_OWNER: _DATA_SCIENTIST
        | {
            P.MEMBERS_ADD,
            P.MEMBERS_EDIT,
            P.MEMBERS_REMOVE,
            P.PROJECT_DELETE,
            P.PROJECT_EDIT,
            P.SERVERS_LIST,
        },
        Role.HUB: frozenset({P.ME_READ, P.SERVER_GRANT}),
        Role.PROJECT_USER: frozenset({P.ME_READ, P.TOKENS_RENEW}),
    }
)

# Users' code runs with a project-user's token. Whatever role its user has, it changes neither people nor projects.
PROJECT_USER_CEILING = frozenset(
    {
        P.DATASETS_LIST,
        P.LIMITS_READ,
        P.MEMBERS_READ,
        P.PROJECT_READ,
        P.SERVER_READ,
        P.SERVER_START,
        P.SERVER_STOP,
    }
)

# With a password that somebody else chose one can do this and nothing more.
BEFORE_PASSWORD_CHANGE = frozenset({P.ME_PASSWORD, P.ME_READ, P.TOKENS_RENEW})

_BY_MEMBERSHIP = {
    ProjectRole.DATA_OWNER: Role.DATA_OWNER,
    ProjectRole.DATA_SCIENTIST: Role.DATA_SCIENTIST,
}


def permissions_of(
    kind: PrincipalKind | None, *, admin: bool = False, membership: ProjectRole | None = None
) -> frozenset[P]:
    """All permissions of a caller.

    Args:
        kind: What the caller is; ``None`` for one who is not logged in.
        admin: Whether the user is an administrator.
        membership: Role in the project that the request names, if it names one.
    """
    permissions = ROLE_PERMISSIONS[Role.ANYONE]
    if kind is PrincipalKind.SERVICE:
        return permissions | ROLE_PERMISSIONS[Role.HUB]
    in_project = ROLE_PERMISSIONS[_BY_MEMBERSHIP[membership]] if membership else frozenset[P]()
    if kind is PrincipalKind.PROJECT_USER:
        return permissions | ROLE_PERMISSIONS[Role.PROJECT_USER] | (in_project & PROJECT_USER_CEILING)
    if kind is PrincipalKind.USER:
        permissions = permissions | ROLE_PERMISSIONS[Role.USER] | in_project
        if admin:
            permissions |= ROLE_PERMISSIONS[Role.ADMINISTRATOR]
    return permissions
