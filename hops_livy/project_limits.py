"""What the sessions of a project may use: its limits, asked of the control plane, and a request held against them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import quote

import httpx

from hops_contract.amounts import memory_text
from hops_contract.options import ServerLimits, SessionBounds
from hops_contract.principal import Principal
from hops_contract.problems import Problem, Violation
from hops_livy.engines.amounts import UNBOUNDED, Amount
from hops_livy.engines.drivers import Shape
from hops_livy.errors import BadRequestError, ForbiddenError, UnavailableError

_KEPT_S = 10.0
_PATIENCE_S = 5.0
_WEEK_S = 7 * 24 * 3600.0
_REFUSED = (401, 403, 404)


class ProjectLimits(Protocol):
    """Where the limits of projects are found."""

    async def of(self, principal: Principal, token: str) -> SessionBounds:
        """The limits of the caller's project.

        Raises:
            ForbiddenError: The caller may not know them, and so may not use the project; or it starts no sessions now.
            UnavailableError: They can't be read now; nothing may be started without them.
        """
        ...

    def forget(self, project: str) -> None:
        """What is known of ``project`` may be true no longer: it is asked anew."""
        ...


class PublishedLimits:
    """The limits that the control plane answers with, kept for a moment.

    Args:
        projects_url: Address of the control plane's projects; ends with ``/``.
        client: HTTP client.
    """

    def __init__(self, projects_url: str, client: httpx.AsyncClient) -> None:
        self._projects_url = projects_url
        self._client = client
        # By token too: what one member was answered proves nothing about another, or about an older token.
        self._kept: dict[tuple[str, str], tuple[float, SessionBounds]] = {}
        self._forgotten = 0

    async def of(self, principal: Principal, token: str) -> SessionBounds:
        """The limits of the caller's project, at most ten seconds old.

        Raises:
            ForbiddenError: The caller may not know them, and so may not use the project; or it starts no sessions now.
            UnavailableError: They can't be read now; nothing may be started without them.
        """
        project, now = str(principal.project), time.monotonic()
        self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] < _KEPT_S}
        while (kept := self._kept.get((project, token))) is None:
            forgotten = self._forgotten
            limits = await self._ask(project, token)
            # An answer that was on its way when something was forgotten may be of the time before.
            if forgotten == self._forgotten:
                kept = self._kept[project, token] = (now, limits)
                break
        return kept[1]

    def forget(self, project: str) -> None:
        """See :class:`ProjectLimits`."""
        self._forgotten += 1
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] != project}

    async def _ask(self, project: str, token: str) -> SessionBounds:
        try:
            answer = await self._client.get(
                f"{self._projects_url}{quote(project, safe='')}/sessions/limits",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_PATIENCE_S,
            )
        except httpx.HTTPError as error:
            raise _unavailable(project) from error
        if answer.status_code in _REFUSED:
            raise ForbiddenError(
                f"The control plane does not let you use project {project} any more.",
                remedy="Start the notebook server again; if that is refused, ask a Data Owner of the project.",
            )
        if answer.status_code == httpx.codes.CONFLICT:
            raise _starts_none(project, answer)
        try:
            return SessionBounds.model_validate(answer.raise_for_status().json())
        except (httpx.HTTPStatusError, ValueError) as error:
            raise _unavailable(project) from error


def check_limits(shape: Shape, limits: ServerLimits) -> None:
    """Checks that a project may use what a request comes to.

    Raises:
        BadRequestError: It may not; everything that is too much is named, with the numbers.
    """
    violations = tuple(_beyond(shape, limits))
    if violations:
        raise BadRequestError(
            " ".join(violation.message for violation in violations),
            remedy="Ask for less, or ask an administrator to raise the limits of the project.",
            violations=violations,
        )


def together(limits: ServerLimits) -> Amount:
    """The most that all sessions of a project may have together."""
    bounds = (
        limits.max_project_sessions,
        limits.max_project_memory_mib,
        limits.max_project_gpus,
        limits.max_project_executors,
    )
    sessions, memory_mib, gpus, executors = (UNBOUNDED if bound is None else bound for bound in bounds)
    return Amount(sessions=sessions, starts=UNBOUNDED, memory_mib=memory_mib, gpus=gpus, executors=executors)


def idle_time(asked_s: float, limits: ServerLimits) -> float:
    """Seconds that a session may lie idle: what was asked for, at most the project's limit, which is the default too.

    0 means never, which only a limit of a week allows (:class:`~hops_contract.options.ServerLimits`).
    """
    most_s = limits.max_idle_timeout_minutes * 60.0
    if not asked_s:
        return 0.0 if most_s >= _WEEK_S else most_s
    return min(asked_s, most_s)


def _beyond(shape: Shape, limits: ServerLimits) -> Iterator[Violation]:
    executors = "conf.spark.dynamicAllocation.maxExecutors" if shape.dynamic else "numExecutors"
    most = together(limits)
    for field, asked, limit, unit, what in (
        (executors, shape.most_executors, limits.max_executors, "executor", ""),
        ("executorCores", shape.executor_cores, limits.max_executor_cores, "core", " per executor"),
        ("driverCores", shape.driver_cores or 1, limits.max_executor_cores, "core", " for the driver"),
        ("executorMemory", shape.executor_memory_mib, limits.max_executor_memory_mib, "MiB", " per executor"),
        ("driverMemory", shape.driver_memory_mib, limits.max_driver_memory_mib, "MiB", " for the driver"),
        ("executorMemory", shape.total_memory_mib, limits.max_total_memory_mib, "MiB", " in all"),
        ("conf.spark.executor.resource.gpu.amount", shape.total_gpus, limits.max_gpus, "GPU", " in all"),
        (executors, shape.most_executors, most.executors, "executor", " for all its sessions together"),
        ("executorMemory", shape.total_memory_mib, most.memory_mib, "MiB", " for all its sessions together"),
        (
            "conf.spark.executor.resource.gpu.amount",
            shape.total_gpus,
            most.gpus,
            "GPU",
            " for all its sessions together",
        ),
    ):
        if asked > limit:
            message = f"{_counted(asked, unit)}{what} asked for; the project may use {_counted(limit, unit)}{what}."
            yield Violation(field=field, message=message)


def _counted(number: int, unit: str) -> str:
    return memory_text(number) if unit == "MiB" else f"{number} {unit}{'' if number == 1 else 's'}"


def _starts_none(project: str, answer: httpx.Response) -> ForbiddenError:
    """What the control plane says of a project in which no session starts now, in its words."""
    try:
        problem = Problem.model_validate(answer.json())
    except ValueError:
        return ForbiddenError(f"No sessions are started in project {project} now.")
    return ForbiddenError(problem.detail, remedy=problem.remedy)


def _unavailable(project: str) -> UnavailableError:
    return UnavailableError(
        f"The control plane does not tell the limits of project {project} now, and nothing is started without them.",
        remedy="Try again in a moment; if that does not help, tell the administrator.",
    )
