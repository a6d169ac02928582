"""Problem details (RFC 9457) as plain JSON: the one shape of an error.

``hops_contract.problems`` is the same as a model, which would bring pydantic into every start of a notebook server; a
contract test compares the two.
"""

from __future__ import annotations

from typing import Any

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:hopslab:problem:"


class ProblemError(Exception):
    """An error that is answered as problem details.

    Args:
        status: The HTTP status.
        kind: Last part of the problem's type, e.g. ``not-found``.
        title: The kind in a few words.
        detail: What happened here.
        remedy: What the caller can do.
        violations: Fields that can't be accepted, each with ``field`` and ``message``.
    """

    def __init__(  # noqa: PLR0917 - in the order in which a reader wants to know them
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        remedy: str | None = None,
        violations: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {
            "type": kind if kind.startswith(("urn:", "about:", "http")) else TYPE_PREFIX + kind,
            "title": title,
            "status": status,
            "detail": detail,
            "remedy": remedy,
            "violations": violations or [],
        }


def no_answer(service: str) -> ProblemError:
    """``service`` is down."""
    return ProblemError(
        503,
        "engine-down",
        "No answer",
        f"{service} does not answer.",
        "It is restarted by itself within seconds; try again. If it stays so, tell the administrator.",
    )


def odd_answer(service: str, status: int) -> ProblemError:
    """``service`` answered something that is no answer."""
    return ProblemError(
        502,
        "odd-answer",
        "Unexpected answer",
        f"{service} answered with status {status} and nothing readable.",
        "Try again; if it stays so, tell the administrator.",
    )


def unexpected_answer(service: str) -> ProblemError:
    """``service`` answered something that can be read and is not what was agreed on."""
    return ProblemError(
        502,
        "odd-answer",
        "Unexpected answer",
        f"{service} answered without what is needed.",
        "Restart your server: it may be of another version. If it stays so, tell the administrator.",
    )
