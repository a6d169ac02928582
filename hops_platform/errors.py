"""The problems that the control plane answers with. One class a kind; nothing here knows of HTTP but the number.

A detail names what happened here, a remedy what the caller can do. Neither ever carries a secret, a path of the host
or a stack trace.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hops_contract.problems import TYPE_PREFIX, Problem, Violation


class PlatformError(Exception):
    """A problem with a known cause.

    Args:
        detail: What happened here, as a sentence.
        remedy: What the caller can do about it.
        violations: Fields that can't be accepted.
        retry_after_s: Seconds after which the same request may succeed.
    """

    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Unexpected error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str,
        *,
        remedy: str | None = None,
        violations: list[Violation] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.violations = violations or []
        self.retry_after_s = retry_after_s

    def problem(self) -> Problem:
        """The wire shape of this error."""
        return Problem(
            type=TYPE_PREFIX + self.kind,
            title=self.title,
            status=self.status,
            detail=self.detail,
            remedy=self.remedy,
            violations=self.violations,
        )


class InvalidRequestError(PlatformError):
    """The request can't be understood, or asks for what can't be had."""

    kind = "invalid-request"
    title = "Invalid request"
    status = 422


class MalformedRequestError(PlatformError):
    """A header or a cursor is not of the form that it should have."""

    kind = "malformed-request"
    title = "Malformed request"
    status = 400


class UnauthenticatedError(PlatformError):
    """Who calls is not known."""

    kind = "unauthenticated"
    title = "Not logged in"
    status = 401


class WrongCredentialsError(PlatformError):
    """User name and password don't belong together, or the user may not log in."""

    kind = "wrong-credentials"
    title = "Wrong user name or password"
    status = 401


class WrongCodeError(PlatformError):
    """The code of the second factor is wrong, or was used already."""

    kind = "wrong-code"
    title = "Wrong code"
    status = 401


class SecondFactorNeededError(PlatformError):
    """The password is right, and the user has a second factor.

    Args:
        detail: What happened here.
        remedy: What the caller can do about it.
        challenge: Stands for the password for some minutes, so that nobody has to keep it until the code is typed.
        security_key: What to ask one of the user's security keys, in WebAuthn's JSON; ``None`` where there is none.
    """

    kind = "second-factor-needed"
    title = "A code is needed"
    status = 401

    def __init__(self, detail: str, *, remedy: str, challenge: str, security_key: dict[str, Any] | None = None) -> None:
        super().__init__(detail, remedy=remedy)
        self.challenge = challenge
        self.security_key = security_key

    def problem(self) -> Problem:
        """The wire shape, with the members ``challenge`` and, where there is a key to ask, ``security_key``."""
        more = {"security_key": self.security_key} if self.security_key is not None else {}
        return Problem.model_validate({**super().problem().model_dump(), "challenge": self.challenge, **more})


class LockedOutError(PlatformError):
    """Too many failed attempts; says when to try again."""

    kind = "locked-out"
    title = "Too many failed attempts"
    status = 429


class BusyError(PlatformError):
    """More callers at the same moment than can be served; asking again in a moment may succeed."""

    kind = "busy"
    title = "Too many at once"
    status = 503


class TooManyError(PlatformError):
    """The caller, or all together, have as many requests of this kind under way as can be; says when to try again."""

    kind = "too-many"
    title = "Too many at once"
    status = 429


class TooOftenError(PlatformError):
    """Something was asked for more often than people need it; says when to try again."""

    kind = "too-often"
    title = "Too often"
    status = 429


class ForbiddenError(PlatformError):
    """The caller may see the thing but not do this with it."""

    kind = "forbidden"
    title = "Not allowed"
    status = 403


class PasswordChangeNeededError(PlatformError):
    """A password that somebody else chose must be changed first."""

    kind = "password-change-needed"
    title = "Change the password first"
    status = 403


class SecondFactorSetUpNeededError(PlatformError):
    """This site asks everybody for a second factor, and the user has none yet."""

    kind = "second-factor-set-up-needed"
    title = "Set up a second factor first"
    status = 403


class NotFoundError(PlatformError):
    """Absent, or not for this caller to see."""

    kind = "not-found"
    title = "Not found"
    status = 404


class NotVisibleError(NotFoundError):
    """Told as absent, because the caller may not see it if it is there."""


class MethodNotAllowedError(PlatformError):
    """The resource has no such operation."""

    kind = "method-not-allowed"
    title = "Method not allowed"
    status = 405


class ConflictError(PlatformError):
    """The state of the resource does not allow this now."""

    kind = "conflict"
    title = "Conflict"
    status = 409


class ProjectArchivedError(PlatformError):
    """The project is archived: it is read, and nothing in it is begun or changed."""

    kind = "project-archived"
    title = "The project is archived"
    status = 409


class ServiceOffError(PlatformError):
    """The project's Data Owners have switched off what this needs."""

    kind = "service-off"
    title = "Switched off in this project"
    status = 409


class QuotaExceededError(PlatformError):
    """The project has used up what it may use of something."""

    kind = "quota-exceeded"
    title = "The quota is used up"
    status = 409


class EnvironmentNotReadyError(PlatformError):
    """The project's environment is still being made."""

    kind = "environment-not-ready"
    title = "The environment is being made"
    status = 409


class EnvironmentFailedError(PlatformError):
    """The project's environment could not be made."""

    kind = "environment-failed"
    title = "The environment could not be made"
    status = 424


class PreconditionFailedError(PlatformError):
    """The resource was changed by somebody else in between."""

    kind = "precondition-failed"
    title = "Changed in between"
    status = 412


class PreconditionRequiredError(PlatformError):
    """An edit must say which version it edits."""

    kind = "precondition-required"
    title = "If-Match is missing"
    status = 428


class TooLargeError(PlatformError):
    """The body is longer than any request needs to be."""

    kind = "too-large"
    title = "The request is too large"
    status = 413


class RangeNotSatisfiableError(PlatformError):
    """The part of a file that was asked for is not in it."""

    kind = "range-not-satisfiable"
    title = "There is no such part"
    status = 416


class BodyTooSlowError(PlatformError):
    """The body did not come in the time that any request needs."""

    kind = "body-too-slow"
    title = "The request came too slowly"
    status = 408


class EngineUnavailableError(PlatformError):
    """An engine does not answer now; asking again later may succeed."""

    kind = "engine-unavailable"
    title = "A part of the platform does not answer"
    status = 503


class EngineRefusedError(PlatformError):
    """An engine answered, and refused."""

    kind = "engine-refused"
    title = "A part of the platform refused"
    status = 502


class StorageFullError(PlatformError):
    """There is no room left on the disk."""

    kind = "storage-full"
    title = "No space left"
    status = 507


class DatabaseBusyError(PlatformError):
    """The database is locked or does not answer."""

    kind = "database-busy"
    title = "The database is busy"
    status = 503
