"""The words of the audit: what is done, by what kind of actor, and what came of it."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What was done: ``<subject>.<verb>``, the subject being the kind of thing that it was done to. Alphabetised."""

    ACCESS_READ = "access.read"
    """Looking at something. Only refusals of it are recorded."""
    API_KEY_CREATE = "api-key.create"
    API_KEY_REVOKE = "api-key.revoke"
    AUDIT_EXPORT = "audit.export"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFY = "audit.verify"
    CERTIFICATE_EXPORT = "certificate.export"
    CERTIFICATE_RENEW = "certificate.renew"
    CERTIFICATE_REPLACE = "certificate.replace"
    CERTIFICATE_REVOKE = "certificate.revoke"
    CERTIFICATE_SIGN = "certificate.sign"
    DATASET_CREATE = "dataset.create"
    DATASET_DELETE = "dataset.delete"
    DATASET_EDIT = "dataset.edit"
    DATASET_PUBLISH = "dataset.publish"
    DATASET_WITHDRAW = "dataset.withdraw"
    ENVIRONMENT_RETRY = "environment.retry"
    FILE_COPY = "file.copy"
    FILE_DOWNLOAD = "file.download"
    FILE_MOVE = "file.move"
    FILE_PACK = "file.pack"
    FILE_RESTORE = "file.restore"
    FILE_TRASH = "file.trash"
    FILE_UNPACK = "file.unpack"
    FOLDER_CREATE = "folder.create"
    JOIN_REQUEST_ACCEPT = "join-request.accept"
    JOIN_REQUEST_DECLINE = "join-request.decline"
    JOIN_REQUEST_MAKE = "join-request.make"
    JOIN_REQUEST_WITHDRAW = "join-request.withdraw"
    LIMITS_EDIT = "limits.edit"
    LOGIN_API_KEY = "login.api-key"
    LOGIN_BROWSER = "login.browser"
    LOGIN_CODE = "login.code"
    LOGIN_OIDC = "login.oidc"
    LOGIN_PASSWORD = "login.password"  # noqa: S105
    LOGIN_TICKET = "login.ticket"
    MEMBER_ADD = "member.add"
    MEMBER_EDIT = "member.edit"
    MEMBER_LEAVE = "member.leave"
    MEMBER_REMOVE = "member.remove"
    OUTBOX_RETRY = "outbox.retry"
    PASSWORD_CHANGE = "password.change"  # noqa: S105
    PROJECT_CREATE = "project.create"
    PROJECT_DELETE = "project.delete"
    PROJECT_EDIT = "project.edit"
    PROJECT_PURGE = "project.purge"
    PROJECT_RESTORE = "project.restore"
    REALM_ACCOUNT_ADMIT = "realm-account.admit"
    REALM_ACCOUNT_REMOVE = "realm-account.remove"
    SECOND_FACTOR_BEGIN = "second-factor.begin"
    SECOND_FACTOR_CONFIRM = "second-factor.confirm"
    SECOND_FACTOR_RENEW_CODES = "second-factor.renew-codes"
    SECOND_FACTOR_RESET = "second-factor.reset"
    SECOND_FACTOR_TURN_OFF = "second-factor.turn-off"
    SERVER_GRANT = "server.grant"
    SERVER_RESTART = "server.restart"
    SERVER_START = "server.start"
    SERVER_STOP = "server.stop"
    SESSION_STOP = "session.stop"
    SESSION_STOP_IDLE = "session.stop-idle"
    SHARE_ACCEPT = "share.accept"
    SHARE_ASK = "share.ask"
    SHARE_DECLINE = "share.decline"
    SHARE_EDIT = "share.edit"
    SHARE_LEAVE = "share.leave"
    SHARE_OFFER = "share.offer"
    SHARE_REVOKE = "share.revoke"
    TRASH_EMPTY = "trash.empty"
    UPLOAD_BEGIN = "upload.begin"
    UPLOAD_CANCEL = "upload.cancel"
    UPLOAD_FINISH = "upload.finish"
    USER_CREATE = "user.create"
    USER_EDIT = "user.edit"

    @property
    def subject(self) -> str:
        """The kind of thing."""
        return self.value.partition(".")[0]


class ActorKind(StrEnum):
    """What stands behind an actor."""

    ANYONE = "anyone"
    """Nobody that was proven; such an actor has no name."""
    USER = "user"
    PROJECT_USER = "project_user"
    """A notebook server, a Spark session, or whoever holds its token or certificate."""
    SERVICE = "service"
    """The platform itself: the Hub, or what is done by the clock."""
    MACHINE = "machine"
    """Whoever owns the machine, at its command line."""


class Outcome(StrEnum):
    """What came of it."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """It was allowed, and a part of the platform did not do it."""
