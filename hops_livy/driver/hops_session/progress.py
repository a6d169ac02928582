"""Tells how far the Spark jobs of the running statement have come, with messages of their own type.

Jobs count for a statement when they were submitted after it began, whichever thread submitted them; those of streaming
queries, which go on between statements, do not. A statement that ends sooner than the first look costs nothing.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from .spark_jobs import SparkJobs, of_a_statement

MESSAGE = "progress"
"""Type of the messages, on the kernel's channel for output."""
FIRST_S = 0.5
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_SLOWER = 1.01
"""By so much each pause is longer: a job of a day is not looked at 170,000 times."""
_NAME = 100
_CALL_SITE = re.compile(r"(?P<call>.+?) at (?P<file>.+):(?P<line>\d+)", re.DOTALL)

Send = Callable[[dict[str, Any], dict[str, Any]], None]
"""Takes the request that a message belongs to, and the message's content."""


class _Followed:
    """A statement that runs."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.began_ms = time.time() * 1000
        self.ended = threading.Event()


class Progress(threading.Thread):
    """Looks at Spark's jobs while a statement runs, and sleeps otherwise.

    Args:
        jobs: Spark's jobs.
        send: Sends a message; called in this thread.
    """

    def __init__(self, jobs: SparkJobs, send: Send) -> None:
        super().__init__(name="hops-progress", daemon=True)
        self._jobs = jobs
        self._send = send
        self._begun = threading.Event()
        self._followed: _Followed | None = None

    def begin(self, request: dict[str, Any]) -> None:
        """A statement begins; ``request`` is the message that asked for it."""
        self._followed = _Followed(request)
        self._begun.set()

    def end(self) -> None:
        """The statement has ended. A look that is under way is not waited for, and tells nothing any more."""
        if self._followed is not None:
            self._followed.ended.set()

    def run(self) -> None:
        """Follows one statement after the other."""
        while True:
            self._begun.wait()
            self._begun.clear()
            if self._followed is not None:
                self._follow(self._followed)

    def _follow(self, statement: _Followed) -> None:
        told: dict[str, Any] | None = None
        pause_s = FIRST_S
        while not statement.ended.wait(pause_s):
            pause_s = min(max(pause_s, _PAUSE_S) * _SLOWER, _LONGEST_PAUSE_S)
            content = None
            # A Java machine that is going away can't be asked; that is told by the statement itself.
            with contextlib.suppress(Exception):
                jobs = self._jobs
                content = progress_of(jobs.newest(), jobs.stages(), jobs.slots(), since_ms=statement.began_ms)
            if content is None or content == told or statement.ended.is_set():
                continue
            if told is not None or content["active"]:
                told = content
                self._send(statement.request, content)


def progress_of(
    jobs: Sequence[dict[str, Any]], stages: Sequence[dict[str, Any]], slots: int, *, since_ms: float
) -> dict[str, Any]:
    """Content of the message for what Spark tells.

    Args:
        jobs: ``JobData`` of Spark's REST API, newest first.
        stages: ``StageData`` of the stages that are active.
        slots: How many tasks can run at once.
        since_ms: When the statement began; milliseconds since the epoch.

    Returns:
        ``active`` tells whether a job runs. ``stage`` of ``stages`` is the first that does, ``name`` what it does;
        ``stage_done`` of ``stage_tasks`` are the tasks of all active stages, ``tasks_done`` of ``tasks`` those of the
        whole statement as far as Spark knows them; ``tasks_running`` and ``tasks_failed`` of those.
    """
    own = of_a_statement(jobs, since_ms=since_ms)
    running = [job for job in own if job["status"] == "RUNNING"]
    stage_ids = {number for job in running for number in job["stageIds"]}
    active = sorted((stage for stage in stages if stage["stageId"] in stage_ids), key=lambda stage: stage["stageId"])
    known = sum(len(job["stageIds"]) for job in own)
    passed = sum(job["numCompletedStages"] + job["numSkippedStages"] + job["numFailedStages"] for job in own)
    return {
        "active": bool(running),
        "name": next(filter(None, map(stage_name, active)), ""),
        "stage": min(passed + 1, known),
        "stages": known,
        "stage_done": sum(stage["numCompleteTasks"] for stage in active),
        "stage_tasks": sum(stage["numTasks"] for stage in active),
        # Spark counts the tasks that it skips with those to do only when the job ends.
        "tasks_done": sum(job["numCompletedTasks"] for job in own),
        "tasks": sum(job["numTasks"] for job in own),
        # Spark hears of the next task's start before it hears of the last one's end, and keeps that count for a while.
        "tasks_running": min(slots, sum(job["numActiveTasks"] for job in own)),
        "tasks_failed": sum(job["numFailedTasks"] for job in own),
    }


def stage_name(stage: dict[str, Any]) -> str:
    """What the stage does, in words of the cell: the user's description, or the call and its line; may be empty."""
    if stage.get("description"):
        return " ".join(str(stage["description"]).split())[:_NAME]
    site = _CALL_SITE.fullmatch(str(stage.get("name") or ""))
    if site is None or "$" in site["call"]:
        return ""  # a place inside of Spark
    call = site["call"][:_NAME]
    return f"{call} at line {site['line']}" if "ipykernel_" in site["file"] else call
