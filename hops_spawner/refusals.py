"""Why a notebook server does not start, for the person who started it."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from jupyterhub.spawner import SpawnException

from hops_contract.problems import TYPE_PREFIX, Problem
from hops_spawner.control_plane import sentence

NO_PROJECT = Problem(
    type=f"{TYPE_PREFIX}project-needed",
    title="Choose a project",
    status=400,
    detail="A notebook server belongs to a project.",
    remedy="Choose a project on the page of your projects, and start its server there.",
)
NOT_BY_LINK = Problem(
    type=f"{TYPE_PREFIX}not-by-link",
    title="Not by a link",
    status=400,
    detail="A link can't start a server with options of its own.",
    remedy="Choose the options in the form, or use the REST API.",
)


def seen_by_user(problem: Problem, project: str) -> Problem:
    """What a user may read of the control plane's answer to the Hub: a project of others looks like none at all."""
    if problem.status != HTTPStatus.NOT_FOUND and problem.type != f"{TYPE_PREFIX}forbidden":
        return problem
    return Problem(
        type=f"{TYPE_PREFIX}not-found",
        title="Not found",
        status=HTTPStatus.NOT_FOUND,
        detail=f"There is no project '{project}' that you can see.",
        remedy="Ask one of its Data Owners to add you.",
    )


class StartRefusedError(SpawnException):
    """A start that failed or was refused; the Hub shows it on the page, in REST and in the last progress event.

    Args:
        problem: What happened.
        log_tail: The last lines of the server's log, shown on demand.
    """

    def __init__(self, problem: Problem, *, log_tail: str = "") -> None:
        self.problem = problem
        text = sentence(problem)
        html = f"<strong>{escape(problem.detail)}</strong>"
        more = text.removeprefix(problem.detail).strip()
        if more:
            html += f"<span>{escape(more)}</span>"
        if log_tail:
            html += (
                f'<details class="hops-log"><summary>Log of the server</summary><pre>{escape(log_tail)}</pre></details>'
            )
        super().__init__(
            # JupyterHub formats the text with %.
            text,
            reason=problem.type.removeprefix(TYPE_PREFIX),
            log_message=text.replace("%", "%%"),
            message_html=html,
            status_code=problem.status,
        )
        self.jupyterhub_message = f"{text}\n\nLog of the server:\n{log_tail}" if log_tail else text
        self.jupyterhub_html_message = html


def failed_start(detail: str, remedy: str, *, log_tail: str = "", status: int = 500) -> StartRefusedError:
    """A start that went wrong after it was granted."""
    kind = f"{TYPE_PREFIX}server-start-failed"
    problem = Problem(type=kind, title="The server did not start", status=status, detail=detail, remedy=remedy)
    return StartRefusedError(problem, log_tail=log_tail)
