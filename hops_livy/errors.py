"""What can go wrong with a request, apart from HTTP's words: each error has a status, a cause and a remedy."""

from __future__ import annotations

import errno
from typing import Any

from hops_contract.problems import TYPE_PREFIX, Problem, Violation


def sendable(text: str) -> str:
    """``text`` without halves of characters, which JSON can bring in and no answer can take out."""
    return text.encode("utf-8", "replace").decode()


class ServiceError(Exception):
    """A request that can't be fulfilled.

    Args:
        detail: What happened, in a sentence.
        remedy: What the caller can do.
        violations: The fields that are at fault.
    """

    status = 500
    slug = "internal"
    title = "Internal error"

    def __init__(self, detail: str, *, remedy: str | None = None, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = sendable(detail)
        self.remedy = remedy
        self.violations = tuple(
            violation.model_copy(update={"field": sendable(violation.field), "message": sendable(violation.message)})
            for violation in violations
        )

    def body(self) -> dict[str, Any]:
        """Problem details; ``msg`` is where Livy's clients look for the sentence."""
        problem = Problem(
            type=TYPE_PREFIX + self.slug,
            title=self.title,
            status=self.status,
            detail=self.detail,
            remedy=self.remedy,
            violations=list(self.violations),
        )
        return {**problem.model_dump(mode="json"), "msg": " ".join(filter(None, (self.detail, self.remedy)))}


class NotAuthenticatedError(ServiceError):
    """No proof of identity, or one that proves nothing."""

    status, slug, title = 401, "not-authenticated", "Not authenticated"


class ForbiddenError(ServiceError):
    """A known caller who may not do this."""

    status, slug, title = 403, "forbidden", "Forbidden"


class NotFoundError(ServiceError):
    """Absent, or not the caller's."""

    status, slug, title = 404, "not-found", "Not found"


class BadRequestError(ServiceError):
    """The request can't be understood or asks for what may not be had."""

    status, slug, title = 400, "bad-request", "Bad request"


class ConflictError(ServiceError):
    """The state of things does not allow it now."""

    status, slug, title = 409, "conflict", "Conflict"


class TooLargeError(ServiceError):
    """More than the limits allow."""

    status, slug, title = 413, "too-large", "Too large"


class BodyTooSlowError(ServiceError):
    """The body did not come in the time that any request needs."""

    status, slug, title = 408, "body-too-slow", "The request came too slowly"


class TooManyError(ServiceError):
    """One more than the limits allow."""

    status, slug, title = 429, "too-many", "Too many"


class LeftOutError(ServiceError):
    """Livy has it; this service does not."""

    status, slug, title = 501, "left-out", "Not offered here"


class CanNotStartError(ServiceError):
    """A session can't be started now: resources, Java or the environment are missing."""

    status, slug, title = 409, "can-not-start", "The session can't be started"


class UnavailableError(ServiceError):
    """A part of the platform that must be asked does not answer."""

    status, slug, title = 503, "unavailable", "Unavailable"


def disk_trouble(error: OSError) -> str:
    """Why the files of a session can't be written, without the machine's paths."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "The session's files can't be written: the platform's disk is full. Delete files of the project that are "
            "not needed any more, or ask the administrator for space."
        )
    return f"The session's files can't be written: {error.strerror}. Tell the administrator."
