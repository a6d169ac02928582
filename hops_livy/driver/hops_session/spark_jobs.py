"""What Spark is doing, asked of its own store; and the end of what a statement began."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

_JOBS = 50
_STAGES = 20


class SparkJobs:
    """The jobs of one Spark session. Every method asks the Java machine, so each may fail, and wait, with it.

    Args:
        spark: The Spark session.
    """

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._mapper: Any = None
        self._tag: str | None = None

    def newest(self) -> list[dict[str, Any]]:
        """The newest jobs, newest first, as Spark's REST API describes them (``JobData``)."""
        return self._told(self._store.jobsList(None).take(_JOBS))

    def stages(self) -> list[dict[str, Any]]:
        """Stages that are active (``StageData``)."""
        return self._told(self._store.activeStages().take(_STAGES))

    def slots(self) -> int:
        """How many tasks can run at once."""
        return sum(executor["maxTasks"] for executor in self._told(self._store.executorList(True)))

    def running(self) -> list[dict[str, Any]]:
        """All jobs that run."""
        java = self._spark.sparkContext._jvm  # noqa: SLF001
        runs = java.org.apache.spark.JobExecutionStatus.RUNNING
        return self._told(self._store.jobsList(java.java.util.List.of(runs)))

    def mark(self, tag: str) -> None:
        """Marks the jobs that this thread begins from now on, instead of with the mark before."""
        context = self._spark.sparkContext._jsc  # noqa: SLF001
        if self._tag is not None:
            context.removeJobTag(self._tag)
        context.addJobTag(tag)
        self._tag = tag

    def cancel(self, *, since_ms: float, until_ms: float, tag: str | None = None) -> None:
        """Cancels the jobs that began in that time, milliseconds since the epoch, and those marked with ``tag``.

        Those of streaming queries go on.
        """
        for job in of_a_statement(self.running(), since_ms=since_ms):
            if job["submissionTime"] <= until_ms or tag in job.get("jobTags", ()):
                # It may have ended in this moment.
                with contextlib.suppress(Exception):
                    self._spark.sparkContext._jsc.sc().cancelJob(job["jobId"])  # noqa: SLF001

    def any_work(self) -> bool:
        """Whether a job or a streaming query runs."""
        return len(self._spark._jsparkSession.streams().active()) > 0 or bool(self.running())  # noqa: SLF001

    @property
    def _store(self) -> Any:
        return self._spark.sparkContext._jsc.sc().statusStore()  # noqa: SLF001

    def _told(self, values: Any) -> list[dict[str, Any]]:
        if self._mapper is None:
            # One call for a whole list: each value by itself would be a call of its own, hundreds for a large job.
            jackson = self._spark.sparkContext._jvm.com.fasterxml.jackson  # noqa: SLF001
            self._mapper = jackson.databind.ObjectMapper()
            self._mapper.registerModule(jackson.module.scala.DefaultScalaModule())
        told: list[dict[str, Any]] = json.loads(self._mapper.writeValueAsString(values))
        return told


def of_a_statement(jobs: Sequence[dict[str, Any]], *, since_ms: float) -> list[dict[str, Any]]:
    """Those of ``jobs`` that a statement began which itself began at ``since_ms``, whichever thread submitted them.

    Streaming queries go on between statements: theirs are none of these.
    """
    return [job for job in jobs if (job.get("submissionTime") or 0) >= since_ms and not _of_a_stream(job)]


def _of_a_stream(job: dict[str, Any]) -> bool:
    return "runId = " in str(job.get("description") or "")
