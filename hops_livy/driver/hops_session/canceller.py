"""The end of the Spark jobs of a statement that was interrupted."""

from __future__ import annotations

import contextlib
import threading
import time

from .spark_jobs import SparkJobs

_HEARD_S = 0.2
"""Spark's store hears of a job a moment after it was submitted."""
_LATE_S = 30.0
_PAUSE_S = 2.0


class Canceller(threading.Thread):
    """Cancels the jobs that there are, and for a while those that come late.

    Java goes on with a call whose caller was interrupted: on a busy machine the job may begin seconds later, when the
    next statement runs already. It is known by the statement's mark.

    Args:
        jobs: The session's jobs.
        since_ms: When the statement began, milliseconds since the epoch.
        tag: The mark of its jobs.
    """

    def __init__(self, jobs: SparkJobs, *, since_ms: float, tag: str) -> None:
        super().__init__(name="hops-canceller", daemon=True)
        self._jobs, self._since_ms, self._until_ms, self._tag = jobs, since_ms, time.time() * 1000, tag
        self._looked = threading.Event()

    def wait(self, seconds: float) -> None:
        """Waits until the jobs that there were are cancelled, but not longer than ``seconds``."""
        self._looked.wait(seconds)

    def run(self) -> None:
        """See the class."""
        try:
            self._cancel()
            time.sleep(_HEARD_S)
            self._cancel()
        finally:
            self._looked.set()
        # What others begin from now on is the next statement's.
        pause, until = _HEARD_S, time.monotonic() + _LATE_S
        while time.monotonic() < until:
            time.sleep(pause)
            self._cancel()
            pause = min(pause * 1.5, _PAUSE_S)

    def _cancel(self) -> None:
        # A driver that is going away can't cancel; the statement is interrupted all the same.
        with contextlib.suppress(Exception):
            self._jobs.cancel(since_ms=self._since_ms, until_ms=self._until_ms, tag=self._tag)
