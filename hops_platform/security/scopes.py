"""What an API key can be made for: the one table. A key has of its user's permissions those of its scopes, no other.

Laws:

1. A permission that stands in no scope here is for a person alone: what makes or changes proofs of identity (passwords,
   keys, second factors, certificates that outlive the key) or people's accounts. :data:`IN_PERSON` names them, so that
   whoever adds a permission has to decide.
2. Nobody gets more by a key than they have without it; an administrator's powers only by a scope of the site.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from hops_platform.security.permissions import Permission
from hops_platform.security.policy import PROJECT_USER_CEILING, ROLE_PERMISSIONS, Role


class Scope(StrEnum):
    """A group of permissions that people understand. Alphabetised."""

    AUDIT_READ = "audit:read"
    DATASETS_READ = "datasets:read"
    DATASETS_SHARE = "datasets:share"
    DATASETS_WRITE = "datasets:write"
    FILES_DOWNLOAD = "files:download"
    MEMBERS_WRITE = "members:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    SERVERS_READ = "servers:read"
    SERVERS_WRITE = "servers:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_RUN = "sessions:run"
    SESSIONS_WRITE = "sessions:write"
    SITE_READ = "site:read"
    SITE_WRITE = "site:write"


SCOPE_WORDS: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.AUDIT_READ: "Read and export the audit of your projects.",
        Scope.DATASETS_READ: "See which datasets there are, their trash, and the beginnings of files.",
        Scope.DATASETS_SHARE: "Share and publish datasets; answer, leave and end what is shared.",
        Scope.DATASETS_WRITE: "Create, change and delete datasets; upload, move, copy, zip, delete and restore files.",
        Scope.FILES_DOWNLOAD: "Download files.",
        Scope.MEMBERS_WRITE: "Add, invite, change and remove members; answer who asks to join.",
        Scope.PROJECTS_READ: "See projects, their members, activity, limits, topics and certificates.",
        Scope.PROJECTS_WRITE: (
            "Create, change, archive, delete, restore and leave projects; create and delete topics; ask to join, "
            "accept invitations."
        ),
        Scope.SERVERS_READ: "See notebook servers.",
        Scope.SERVERS_WRITE: "Start and stop notebook servers.",
        Scope.SESSIONS_READ: "See Spark sessions.",
        Scope.SESSIONS_RUN: "Run code in Spark sessions: all that your notebooks may do in a project.",
        Scope.SESSIONS_WRITE: "Stop Spark sessions.",
        Scope.SITE_READ: "See users, projects, engines, deliveries, certificates, audit; for administrators, auditors.",
        Scope.SITE_WRITE: "Change projects' limits, try deliveries again, revoke certificates; for administrators.",
    }
)

SCOPE_PERMISSIONS: Mapping[Scope, frozenset[Permission]] = MappingProxyType(
    {
        Scope.AUDIT_READ: frozenset({Permission.AUDIT_EXPORT, Permission.AUDIT_READ}),
        Scope.DATASETS_READ: frozenset(
            {
                Permission.DATASETS_DISCOVER,
                Permission.DATASETS_LIST,
                Permission.DATASET_READ,
                Permission.FILES_BROWSE,
                Permission.FILES_PREVIEW,
                Permission.SHARES_LIST,
                Permission.SHARES_READ,
                Permission.TRASH_READ,
            }
        ),
        Scope.DATASETS_SHARE: frozenset(
            {
                Permission.DATASETS_PUBLISH,
                Permission.DATASETS_WITHDRAW,
                Permission.SHARES_ASK,
                Permission.SHARES_DECIDE,
                Permission.SHARES_EDIT,
                Permission.SHARES_LEAVE,
                Permission.SHARES_OFFER,
                Permission.SHARES_REVOKE,
                Permission.SHARES_SEARCH,
            }
        ),
        Scope.DATASETS_WRITE: frozenset(
            {
                Permission.DATASETS_CREATE,
                Permission.DATASET_DELETE,
                Permission.DATASET_EDIT,
                Permission.FILES_EDIT,
                Permission.FILES_PACK,
                Permission.FILES_UNPACK,
                Permission.FILES_UPLOAD,
                Permission.FILES_UPLOAD_DATA,
                Permission.TRASH_EMPTY,
                Permission.TRASH_RESTORE,
            }
        ),
        Scope.FILES_DOWNLOAD: frozenset({Permission.FILES_DOWNLOAD}),
        Scope.MEMBERS_WRITE: frozenset(
            {
                Permission.INVITATIONS_MAKE,
                Permission.INVITATIONS_READ,
                Permission.INVITATIONS_REVOKE,
                Permission.JOIN_REQUESTS_DECIDE,
                Permission.JOIN_REQUESTS_LIST,
                Permission.MEMBERS_ADD,
                Permission.MEMBERS_EDIT,
                Permission.MEMBERS_READ,
                Permission.MEMBERS_REMOVE,
                Permission.MEMBERS_SEARCH,
            }
        ),
        Scope.PROJECTS_READ: frozenset(
            {
                Permission.ACTIVITY_READ,
                Permission.BROKERS_READ,
                Permission.CERTIFICATES_LIST,
                Permission.INVITATIONS_LIST,
                Permission.LIMITS_READ,
                Permission.MEMBERS_READ,
                Permission.PROJECTS_DISCOVER,
                Permission.PROJECTS_LIST,
                Permission.PROJECT_READ,
                Permission.TOPICS_LIST,
                Permission.TOPIC_READ,
            }
        ),
        Scope.PROJECTS_WRITE: frozenset(
            {
                Permission.ENVIRONMENT_RETRY,
                Permission.INVITATIONS_ACCEPT,
                Permission.JOIN_REQUESTS_MAKE,
                Permission.PROJECTS_CREATE,
                Permission.PROJECTS_PURGE,
                Permission.PROJECTS_RESTORE,
                Permission.PROJECT_ARCHIVE,
                Permission.PROJECT_DELETE,
                Permission.PROJECT_EDIT,
                Permission.PROJECT_LEAVE,
                Permission.SERVICES_EDIT,
                Permission.TOPICS_CREATE,
                Permission.TOPIC_DELETE,
            }
        ),
        Scope.SERVERS_READ: frozenset({Permission.SERVERS_LIST, Permission.SERVER_READ}),
        Scope.SERVERS_WRITE: frozenset({Permission.SERVER_START, Permission.SERVER_STOP}),
        Scope.SESSIONS_READ: frozenset({Permission.SESSIONS_READ}),
        # Code has the files of its project-user's certificate and token anyway: less here would only seem to be less.
        Scope.SESSIONS_RUN: PROJECT_USER_CEILING | {Permission.TOKENS_RENEW},
        Scope.SESSIONS_WRITE: frozenset({Permission.SESSIONS_STOP}),
        Scope.SITE_READ: frozenset(
            {
                Permission.AUDIT_OVERSEE,
                Permission.AUDIT_OVERSEE_EXPORT,
                Permission.AUDIT_VERIFY,
                Permission.CERTIFICATES_OVERSEE,
                Permission.ENGINES_READ,
                Permission.LIMITS_OVERSEE,
                Permission.LIMITS_READ,
                Permission.MEMBERS_READ,
                Permission.OUTBOX_READ,
                Permission.PROJECTS_OVERSEE,
                Permission.PROJECT_READ,
                Permission.REALM_ACCOUNTS_LIST,
                Permission.REGISTRATIONS_LIST,
                Permission.USERS_LIST,
                Permission.USERS_READ,
            }
        ),
        Scope.SITE_WRITE: frozenset(
            {
                Permission.CERTIFICATES_REVOKE,
                Permission.LIMITS_EDIT,
                Permission.LIMITS_SET_DEFAULTS,
                Permission.OUTBOX_RETRY,
            },
        ),
    }
)

SITE_SCOPES = frozenset({Scope.SITE_READ, Scope.SITE_WRITE})
"""They alone bring an administrator's powers; no key of one project can have them."""

OF_EVERY_KEY = ROLE_PERMISSIONS[Role.ANYONE] | {Permission.ME_READ}

IN_PERSON = frozenset(
    {
        Permission.API_KEYS_CREATE,
        Permission.API_KEYS_LIST,
        Permission.API_KEYS_OVERSEE,
        Permission.API_KEYS_REVOKE,
        Permission.API_KEYS_WITHDRAW,
        Permission.CERTIFICATES_SIGN,
        Permission.CERTIFICATE_REPLACE,
        Permission.ME_ADDRESS,
        # A key of one project would tell of the others.
        Permission.ME_CERTIFICATES,
        Permission.ME_PASSWORD,
        Permission.ME_SECOND_FACTOR,
        Permission.ME_SECURITY_KEYS,
        Permission.PASSWORD_RESETS_GIVE,
        Permission.REALM_ACCOUNTS_ADMIT,
        Permission.REALM_ACCOUNTS_REMOVE,
        Permission.REGISTRATIONS_DECIDE,
        Permission.SECOND_FACTOR_RESET,
        # The Hub's own; no user has it.
        Permission.SERVER_GRANT,
        Permission.USERS_CREATE,
        Permission.USERS_EDIT,
    }
)


def permissions_of_scopes(scopes: Iterable[Scope]) -> frozenset[Permission]:
    """All that a key with these scopes can be used for, if its user may do it."""
    return OF_EVERY_KEY.union(*(SCOPE_PERMISSIONS[scope] for scope in scopes))


def known_scopes(names: Collection[str]) -> frozenset[Scope]:
    """The scopes of these names; one that is no longer known gives nothing."""
    return frozenset(scope for scope in Scope if scope.value in names)
