"""Errors of the Spark session, shown in the notebook as if the code had run there."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PAYLOAD = re.compile(
    r"^Invalid status code '(?P<status>\d{3})' from .*? with error payload: (?P<payload>.*)$", re.DOTALL
)
_NO_ANSWER = "Error sending http request and maximum retry encountered"
_MAX_PAYLOAD_SHOWN = 500
_NOT_FOUND = 404


class RemoteError(Exception):
    """Code failed in the Spark session. Its class carries the remote error's name, its traceback is the remote one."""

    lines: Sequence[str] = ()

    def _render_traceback_(self) -> list[str]:
        return list(self.lines)


class RemoteInterrupt(KeyboardInterrupt):
    """The statement was interrupted and cancelled in the session."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


class SessionProblem(Exception):  # noqa: N818 - the name is what the notebook shows
    """The Spark session can't be used; the message says why and what to do."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class PackagesError(Exception):
    """Packages can't be installed from here; the message says what to do instead."""


def remote_error(name: str, value: str, traceback: Sequence[str]) -> RemoteError:
    """The error that the session reported.

    Args:
        name: Name of the remote exception's class; of one with a package the last part is shown.
        value: Its message.
        traceback: Its lines as IPython formatted them; may be empty.
    """
    short = name.rpartition(".")[2]  # Java's names have a package before them
    shown = short if short.isidentifier() and not keyword.iskeyword(short) else "RemoteError"
    error: RemoteError = type(shown, (RemoteError,), {})(value)
    error.lines = list(traceback) or [f"{shown}: {value}"]
    return error


def statement_error(output: Mapping[str, Any]) -> RemoteError:
    """The error in a statement's ``output`` of the Livy protocol."""
    name = str(output.get("ename") or "RemoteError")
    return remote_error(
        name,
        str(output.get("evalue") or "").removeprefix(f"{name}: "),  # Livy says the name there as well
        [str(line).removesuffix("\n") for line in output.get("traceback") or ()],
    )


def explain_http_error(message: str) -> tuple[int | None, str]:
    """``(status, sentence)`` of the message of sparkmagic's ``HttpClientException``."""
    if _NO_ANSWER in message:
        return None, (
            "The session service does not answer. It is restarted by itself within seconds: run the cell again; "
            "if this stays so, tell the administrator."
        )
    match = _PAYLOAD.match(message)
    if match is None:
        return None, message
    status, payload = int(match["status"]), match["payload"]
    try:
        problem = json.loads(payload)
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        sentences = [str(problem[key]) for key in ("detail", "remedy") if problem.get(key)]
        violations = [item for item in problem.get("violations") or () if isinstance(item, dict)]
        said = " ".join(sentences)
        sentences[1:1] = [
            f"{item.get('field')}: {item.get('message')}"
            for item in violations
            if str(item.get("message")) not in said  # the detail may hold it already
        ]
        sentences = sentences or [str(problem[key]) for key in ("msg", "title") if problem.get(key)]
        if sentences:
            return status, " ".join(sentences)
    return status, f"The session service answered {status}: {payload[:_MAX_PAYLOAD_SHOWN]}"


def loss_in(message: str, heard: str) -> str | None:
    """Why a session is lost of which the service answered so; ``None`` where it may be there still.

    Args:
        message: The message of sparkmagic's ``HttpClientException``.
        heard: Why it ended, where that was heard before. Of what its owner ends the service tells nothing more, of all
            else for an hour.
    """
    if explain_http_error(message)[0] != _NOT_FOUND:
        return None
    return heard or "It was stopped, by you or by a program of yours."
