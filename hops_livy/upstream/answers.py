"""Reads what comes from Apache Livy, or from whatever else answers at its address. Pure.

Laws:

1. Nothing that comes is believed beyond its type, and every part of it is cut to a length.
2. What is no answer of Livy's (a log-in page, a proxy's error page) says nothing about a session.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_MOST_SENTENCE = 500
_MOST_LINES, _MOST_LINE = 2000, 4000
_MOST_NAME = 300
_LARGEST = 2**31
_MOST_DEPTH = 100
_DEEP = f"Apache Livy's answer is nested deeper than {_MOST_DEPTH} levels."


class LivyError(Exception):
    """Livy could not be asked, or did not do it; the message is for the owner of a session."""


class AwayError(LivyError):
    """Livy was not reached, or what answered was something else; it may be there again in a moment.

    Attributes:
        maybe_taken: Whether the request may have been carried out all the same.
    """

    def __init__(self, sentence: str, *, maybe_taken: bool = False) -> None:
        super().__init__(sentence)
        self.maybe_taken = maybe_taken


class UnreadableError(AwayError):
    """What came is broken; it may be what a session's code gave, which Livy passes on as it is."""

    def __init__(self) -> None:
        super().__init__("Apache Livy's answer can't be read.", maybe_taken=True)


class GoneError(LivyError):
    """Livy knows no such session."""


class MissingError(LivyError):
    """Livy knows the session, but not this part of it."""


class RefusedError(LivyError):
    """Livy does not do this."""


class FailedError(LivyError):
    """Livy failed while it did this: often because the session's driver is gone."""


class TooMuchError(LivyError):
    """The answer is larger, or nested deeper, than what may come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came.

    Attributes:
        status: HTTP's.
        kind: Its media type.
        location: Where it redirects to.
        content: Its body.
    """

    status: int
    kind: str = ""
    location: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """What Livy tells of a session or batch."""

    id: int
    name: str
    proxy_user: str
    state: str
    app_id: str | None = None
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """What Livy tells of a statement."""

    id: int
    state: str
    code: str | None = None
    output: dict[str, Any] | None = None


def content_of(answer: Answer) -> dict[str, Any]:
    """The object that an answer holds.

    Raises:
        LivyError: It holds none, for the reason that its kind tells.
    """
    found = _json(answer)
    if 200 <= answer.status < 300 and isinstance(found, dict):  # noqa: PLR2004
        return found
    if answer.status == 401:  # noqa: PLR2004
        raise AwayError(
            "Apache Livy does not accept the platform's name and password or token. Tell the administrator."
        )
    if found is None or not 400 <= answer.status < 600 or answer.status == 429:  # noqa: PLR2004
        raise AwayError(_something_else(answer), maybe_taken=answer.status in (201, 502, 504))
    raise _trouble(answer.status, _message(found))


def session_view(content: dict[str, Any]) -> SessionView:
    """A session or batch.

    Raises:
        AwayError: It is none.
    """
    number, state = content.get("id"), content.get("state")
    if not isinstance(number, int) or not isinstance(state, str):
        raise AwayError("What answers at the address of Apache Livy tells of no session. Tell the administrator.")
    return SessionView(
        id=number,
        name=_text(content.get("name")),
        proxy_user=_text(content.get("proxyUser")),
        state=_text(state).lower(),
        app_id=_text(content.get("appId")) or None,
        log=log_lines(content),
    )


def session_views(content: dict[str, Any]) -> list[SessionView]:
    """The sessions of a list; what is none is passed over."""
    found = content.get("sessions")
    return [
        session_view(item)
        for item in (found if isinstance(found, list) else [])
        if isinstance(item, dict) and isinstance(item.get("id"), int) and isinstance(item.get("state"), str)
    ]


def statement_view(content: dict[str, Any]) -> StatementView:
    """A statement.

    Raises:
        AwayError: It is none.
    """
    number, state = content.get("id"), content.get("state")
    if not isinstance(number, int) or not 0 <= number < _LARGEST or not isinstance(state, str):
        raise AwayError("What answers at the address of Apache Livy tells of no statement. Tell the administrator.")
    code, output = content.get("code"), content.get("output")
    return StatementView(
        id=number,
        state=_text(state).lower(),
        code=code if isinstance(code, str) else None,
        output=output if isinstance(output, dict) else None,
    )


def log_lines(content: dict[str, Any]) -> list[str]:
    """The lines of a log, the last ones where there are too many."""
    found = content.get("log")
    lines: list[str] = []
    for item in found[-_MOST_LINES:] if isinstance(found, list) else []:
        lines.extend(line[:_MOST_LINE] for line in str(item)[: 10 * _MOST_LINE].splitlines())
    return lines[-_MOST_LINES:]


def candidates(content: dict[str, Any]) -> list[str]:
    """Words that may stand at a cursor."""
    found = content.get("candidates")
    words = [word for word in found if isinstance(word, str)] if isinstance(found, list) else []
    return [word[:_MOST_NAME] for word in words[:_MOST_LINES] if word]


def sentence(text: str) -> str:
    """``text`` of Livy's as a part of a sentence: one line, printable, not too long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * _MOST_SENTENCE]).split())
    return line if len(line) <= _MOST_SENTENCE else f"{line[:_MOST_SENTENCE]}…"


def _trouble(status: int, message: str) -> LivyError:
    if status == 404:  # noqa: PLR2004
        if re.match(r"Session '.*' not found|Session .* already stopped", message):
            return GoneError("Apache Livy knows no such session.")
        return MissingError(f"Apache Livy has it not: {message}")
    if status < 500:  # noqa: PLR2004
        return RefusedError(message or f"HTTP {status}")
    return FailedError(message or f"HTTP {status}")


def _json(answer: Answer) -> Any:
    """What the body says in JSON; ``None`` where it is something else."""
    if "json" not in answer.kind.lower():
        return None
    try:
        found = json.loads(answer.content, parse_constant=str, parse_float=_number) if answer.content else {}
    except RecursionError:
        raise TooMuchError(_DEEP) from None
    except ValueError:
        if answer.status < 400:  # noqa: PLR2004
            raise UnreadableError from None
        # Some of Livy's errors are bare text with JSON's name on it.
        return answer.content[:_MOST_LINE].decode("utf-8", "replace")
    if _is_deep(found):
        raise TooMuchError(_DEEP)
    return found


def _number(text: str) -> float | str:
    """A number; one that JSON has no form for stays text, since nothing could pass it on."""
    number = float(text)
    return number if math.isfinite(number) else text


def _is_deep(found: Any) -> bool:
    level = [found]
    for _ in range(_MOST_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _message(found: Any) -> str:
    return sentence(str(found.get("msg", "")) if isinstance(found, dict) else str(found))


def _something_else(answer: Answer) -> str:
    if 300 <= answer.status < 400:  # noqa: PLR2004
        # Only the machine: the rest of such an address may hold what nobody should see.
        try:
            host = urlsplit(answer.location).hostname
        except ValueError:
            host = None
        where = f" of {host[:_MOST_NAME]}" if host else ""
        return f"The address of Apache Livy leads to a page{where}, perhaps one to log in at. Tell the administrator."
    kind = re.sub(r"[^a-z0-9/+.-].*", "", answer.kind.lower())[:100] or "nothing"
    return (
        f"Apache Livy does not answer; something before it does (HTTP {answer.status}, {kind}). If that lasts, tell "
        "the administrator."
    )


def _text(value: Any) -> str:
    return value[:_MOST_NAME] if isinstance(value, str) else ""
