"""All permissions: ``<subject>:<verb>``, the subject in the plural where the permission is about the list."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """What a route may ask of its caller. Alphabetised; each route declares one."""

    BROWSER_LOGIN = "browser:login"
    DATASETS_LIST = "datasets:list"
    ENVIRONMENT_RETRY = "environment:retry"
    HEALTH_READ = "health:read"
    KEYS_READ = "keys:read"
    LIMITS_EDIT = "limits:edit"
    LIMITS_READ = "limits:read"
    MEMBERS_ADD = "members:add"
    MEMBERS_EDIT = "members:edit"
    MEMBERS_READ = "members:read"
    MEMBERS_REMOVE = "members:remove"
    ME_PASSWORD = "me:password"  # noqa: S105
    ME_READ = "me:read"
    OUTBOX_READ = "outbox:read"
    OUTBOX_RETRY = "outbox:retry"
    PROJECTS_CREATE = "projects:create"
    PROJECTS_LIST = "projects:list"
    PROJECTS_OVERSEE = "projects:oversee"
    PROJECT_DELETE = "project:delete"
    PROJECT_EDIT = "project:edit"
    PROJECT_LEAVE = "project:leave"
    PROJECT_READ = "project:read"
    SERVERS_LIST = "servers:list"
    SERVER_GRANT = "server:grant"
    SERVER_READ = "server:read"
    SERVER_START = "server:start"
    SERVER_STOP = "server:stop"
    SESSIONS_READ = "sessions:read"
    SESSIONS_STOP = "sessions:stop"
    TOKENS_CREATE = "tokens:create"
    TOKENS_RENEW = "tokens:renew"
    USERS_CREATE = "users:create"
    USERS_EDIT = "users:edit"
    USERS_LIST = "users:list"
    USERS_READ = "users:read"
