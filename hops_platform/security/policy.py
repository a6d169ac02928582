"""Which role has which permissions: the one table. What does not stand here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_platform.security.permissions import Permission


class Role(StrEnum):
    """What a caller can be towards a resource; a caller may be several at once."""

    ANYONE = "anyone"
    USER = "user"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    DATA_SCIENTIST = "data_scientist"
    DATA_OWNER = "data_owner"
    HUB = "hub"
    PROJECT_USER = "project_user"
    """Anything that holds a project-user's token; it has nothing by itself beyond its own token."""


_DATA_SCIENTIST = frozenset(
    {
        # Of what is in it, each reader sees what their other permissions let them see.
        Permission.ACTIVITY_READ,
        Permission.BROKERS_READ,
        Permission.CERTIFICATE_EXPORT,
        Permission.CERTIFICATE_REPLACE,
        Permission.DATASETS_LIST,
        Permission.DATASET_READ,
        Permission.ENVIRONMENT_RETRY,
        Permission.FILES_BROWSE,
        Permission.FILES_EDIT,
        # What Lab opens and saves, from the platform's own machine: hops_platform.files.opening and .uploads.service.
        Permission.FILES_OPEN,
        Permission.FILES_PACK,
        # With the eyes, and little of a file: hops_platform.previews.service.
        Permission.FILES_PREVIEW,
        Permission.FILES_SAVE,
        # Programs and notebooks: what else there is to bring in is asked for inside (hops_platform.uploads.service).
        Permission.FILES_UPLOAD,
        Permission.LIMITS_READ,
        Permission.MEMBERS_READ,
        Permission.PROJECT_LEAVE,
        Permission.PROJECT_READ,
        Permission.SERVER_READ,
        Permission.SERVER_START,
        Permission.SERVER_STOP,
        Permission.SESSIONS_START,
        Permission.SHARES_LIST,
        Permission.SHARES_READ,
        Permission.TOPICS_LIST,
        Permission.TOPIC_READ,
        Permission.TRASH_READ,
        Permission.TRASH_RESTORE,
    }
)

_AUDITOR = frozenset({Permission.AUDIT_OVERSEE, Permission.AUDIT_OVERSEE_EXPORT, Permission.AUDIT_VERIFY})

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ANYONE: frozenset(
            {
                # With a link that was sent or handed over, of which nobody guesses one.
                Permission.ADDRESSES_CONFIRM,
                Permission.BROWSER_LOGIN,
                Permission.CERTIFICATES_CHECK,
                Permission.HEALTH_READ,
                Permission.INVITATIONS_OPEN,
                Permission.INVITATIONS_REGISTER,
                Permission.KEYS_READ,
                Permission.PASSWORD_RESETS_ASK,
                Permission.PASSWORD_RESETS_FINISH,
                # Whether the site takes any, their service decides.
                Permission.REGISTRATIONS_ASK,
                Permission.REGISTRATIONS_FINISH,
                Permission.TOKENS_CREATE,
            }
        ),
        Role.USER: frozenset(
            {
                Permission.API_KEYS_CREATE,
                Permission.API_KEYS_LIST,
                Permission.API_KEYS_REVOKE,
                Permission.DATASETS_DISCOVER,
                Permission.INVITATIONS_ACCEPT,
                Permission.INVITATIONS_LIST,
                Permission.JOIN_REQUESTS_MAKE,
                Permission.ME_ADDRESS,
                Permission.ME_CERTIFICATES,
                Permission.ME_PASSWORD,
                Permission.ME_READ,
                Permission.ME_SECOND_FACTOR,
                Permission.ME_SECURITY_KEYS,
                Permission.PROJECTS_CREATE,
                Permission.PROJECTS_DISCOVER,
                Permission.PROJECTS_LIST,
                # Which ones, their service decides: those that the caller owned.
                Permission.PROJECTS_PURGE,
                Permission.PROJECTS_RESTORE,
                # Whose, the session service decides.
                Permission.SESSIONS_READ,
                Permission.SESSIONS_STOP,
                Permission.TOKENS_RENEW,
            }
        ),
        Role.AUDITOR: _AUDITOR,
        Role.ADMINISTRATOR: _AUDITOR
        | {
            Permission.API_KEYS_OVERSEE,
            Permission.API_KEYS_WITHDRAW,
            Permission.CERTIFICATES_OVERSEE,
            Permission.CERTIFICATES_REVOKE,
            Permission.CERTIFICATES_SIGN,
            Permission.ENGINES_READ,
            Permission.LIMITS_EDIT,
            Permission.LIMITS_OVERSEE,
            Permission.LIMITS_READ,
            Permission.LIMITS_SET_DEFAULTS,
            Permission.MEMBERS_READ,
            Permission.OUTBOX_READ,
            Permission.OUTBOX_RETRY,
            Permission.PASSWORD_RESETS_GIVE,
            Permission.PROJECTS_OVERSEE,
            Permission.PROJECT_READ,
            Permission.REALM_ACCOUNTS_ADMIT,
            Permission.REALM_ACCOUNTS_LIST,
            Permission.REALM_ACCOUNTS_REMOVE,
            Permission.REGISTRATIONS_DECIDE,
            Permission.REGISTRATIONS_LIST,
            Permission.SECOND_FACTOR_RESET,
            Permission.USERS_CREATE,
            Permission.USERS_EDIT,
            Permission.USERS_LIST,
            Permission.USERS_READ,
        },
        Role.DATA_SCIENTIST: _DATA_SCIENTIST,
        Role.DATA_OWNER: _DATA_SCIENTIST
        | {
            Permission.AUDIT_EXPORT,
            Permission.AUDIT_READ,
            Permission.CERTIFICATES_LIST,
            Permission.INVITATIONS_MAKE,
            Permission.INVITATIONS_READ,
            Permission.INVITATIONS_REVOKE,
            Permission.JOIN_REQUESTS_DECIDE,
            Permission.JOIN_REQUESTS_LIST,
            Permission.DATASETS_CREATE,
            Permission.DATASETS_PUBLISH,
            Permission.DATASETS_WITHDRAW,
            Permission.DATASET_DELETE,
            Permission.DATASET_EDIT,
            Permission.FILES_DOWNLOAD,
            # What is in an archive is data that comes in.
            Permission.FILES_UNPACK,
            Permission.FILES_UPLOAD_DATA,
            Permission.MEMBERS_ADD,
            Permission.MEMBERS_EDIT,
            Permission.MEMBERS_REMOVE,
            Permission.MEMBERS_SEARCH,
            Permission.PROJECT_ARCHIVE,
            Permission.PROJECT_DELETE,
            Permission.PROJECT_EDIT,
            Permission.SERVERS_LIST,
            Permission.SERVICES_EDIT,
            Permission.SHARES_ASK,
            Permission.SHARES_DECIDE,
            Permission.SHARES_EDIT,
            Permission.SHARES_LEAVE,
            Permission.SHARES_OFFER,
            Permission.SHARES_REVOKE,
            Permission.SHARES_SEARCH,
            Permission.TOPICS_CREATE,
            Permission.TOPIC_DELETE,
            Permission.TRASH_EMPTY,
        },
        Role.HUB: frozenset({Permission.ME_READ, Permission.SERVER_GRANT, Permission.USERS_READ}),
        Role.PROJECT_USER: frozenset({Permission.ME_READ, Permission.TOKENS_RENEW}),
    }
)

# Users' code runs with a project-user's token. Whatever role its user has, it changes neither people nor projects.
# It has the project's files at hand, in its sandbox, so it needs no way to send or to fetch them through here. Such a
# way would serve whoever finds a token that was printed into a notebook: with it data would leave the project, or
# programs would come into it that members run, from anywhere. So neither is possible with one, whoever's it is.
# Where datasets lie on the site's storage, its notebook server opens and saves small files through here, and in a full
# project it saves notebooks. That is answered on the platform's own machine alone, where code in a sandbox is
# (hops_platform.security.within).
# Nor does anything vanish for good: what it deletes is in the trash, which only a Data Owner in person empties.
PROJECT_USER_CEILING = frozenset(
    {
        # What code does with topics it does at the brokers, by its certificate.
        Permission.BROKERS_READ,
        # It is the code's own; servers and sessions get it this way.
        Permission.CERTIFICATE_EXPORT,
        Permission.DATASETS_LIST,
        Permission.DATASET_READ,
        Permission.FILES_BROWSE,
        Permission.FILES_EDIT,
        Permission.FILES_OPEN,
        Permission.FILES_SAVE,
        Permission.LIMITS_READ,
        Permission.MEMBERS_READ,
        Permission.PROJECT_READ,
        Permission.SERVER_READ,
        Permission.SERVER_START,
        Permission.SERVER_STOP,
        Permission.SESSIONS_START,
        # Looking alone: with a token that was found somewhere no dataset gets into another project.
        Permission.SHARES_LIST,
        Permission.SHARES_READ,
        Permission.TOPICS_LIST,
        Permission.TOPIC_READ,
        Permission.TRASH_READ,
        Permission.TRASH_RESTORE,
    }
)

# An archived project is for reading. What ends something or takes a right away stays possible, what begins something
# or gives a right does not: for everybody, administrators and the Hub among them.
ARCHIVED_CEILING = frozenset(
    {
        Permission.ACTIVITY_READ,
        Permission.AUDIT_EXPORT,
        Permission.AUDIT_READ,
        Permission.BROKERS_READ,
        Permission.CERTIFICATES_LIST,
        Permission.CERTIFICATE_EXPORT,
        Permission.CERTIFICATE_REPLACE,
        Permission.DATASETS_LIST,
        Permission.DATASETS_WITHDRAW,
        Permission.DATASET_READ,
        Permission.FILES_BROWSE,
        Permission.FILES_DOWNLOAD,
        Permission.FILES_OPEN,
        Permission.FILES_PREVIEW,
        Permission.JOIN_REQUESTS_LIST,
        # The administrators' own, and nothing of the project's content.
        Permission.LIMITS_EDIT,
        Permission.LIMITS_READ,
        Permission.MEMBERS_READ,
        Permission.MEMBERS_REMOVE,
        # Takes it back, too.
        Permission.PROJECT_ARCHIVE,
        Permission.PROJECT_DELETE,
        Permission.PROJECT_LEAVE,
        Permission.PROJECT_READ,
        Permission.SERVERS_LIST,
        Permission.SERVER_READ,
        Permission.SERVER_STOP,
        Permission.SHARES_LEAVE,
        Permission.SHARES_LIST,
        Permission.SHARES_READ,
        Permission.SHARES_REVOKE,
        Permission.TOPICS_LIST,
        Permission.TOPIC_READ,
        Permission.TRASH_READ,
    }
)

# With a password that somebody else chose one can do this and nothing more.
BEFORE_PASSWORD_CHANGE = frozenset({Permission.ME_PASSWORD, Permission.ME_READ, Permission.TOKENS_RENEW})

# Where the site asks for a second factor, one who has none can do this and nothing more.
BEFORE_SECOND_FACTOR = BEFORE_PASSWORD_CHANGE | {Permission.ME_SECOND_FACTOR, Permission.ME_SECURITY_KEYS}

_BY_MEMBERSHIP = {
    ProjectRole.DATA_OWNER: Role.DATA_OWNER,
    ProjectRole.DATA_SCIENTIST: Role.DATA_SCIENTIST,
}


def permissions_of(
    kind: PrincipalKind | None,
    *,
    admin: bool = False,
    auditor: bool = False,
    membership: ProjectRole | None = None,
) -> frozenset[Permission]:
    """All permissions of a caller.

    Args:
        kind: What the caller is; ``None`` for one who is not logged in.
        admin: Whether the user is an administrator.
        auditor: Whether the user may read the audit of the whole site.
        membership: Role in the project that the request names, if it names one.
    """
    permissions = ROLE_PERMISSIONS[Role.ANYONE]
    if kind is PrincipalKind.SERVICE:
        return permissions | ROLE_PERMISSIONS[Role.HUB]
    in_project = ROLE_PERMISSIONS[_BY_MEMBERSHIP[membership]] if membership else frozenset[Permission]()
    if kind is PrincipalKind.PROJECT_USER:
        return permissions | ROLE_PERMISSIONS[Role.PROJECT_USER] | (in_project & PROJECT_USER_CEILING)
    if kind is PrincipalKind.USER:
        permissions = permissions | ROLE_PERMISSIONS[Role.USER] | in_project
        if admin:
            permissions |= ROLE_PERMISSIONS[Role.ADMINISTRATOR]
        if auditor:
            permissions |= ROLE_PERMISSIONS[Role.AUDITOR]
    return permissions
