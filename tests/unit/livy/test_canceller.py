"""What an interrupt does to the Spark jobs of its statement, those among them that begin after it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from hops_livy.driver.hops_session import canceller
from hops_livy.driver.hops_session.canceller import Canceller
from hops_livy.driver.hops_session.spark_jobs import SparkJobs

LONG_AGO = {"jobId": 1, "submissionTime": 5, "jobTags": [], "description": None}


class Jobs(SparkJobs):
    """Jobs that run until they are cancelled; ``late`` ones begin with the third look."""

    def __init__(self, *jobs, late=()):
        self.active = list(jobs)
        self.late = list(late)
        self.looks = 0
        java = SimpleNamespace(cancelJob=self._cancelled)
        super().__init__(SimpleNamespace(sparkContext=SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: java))))

    def running(self):
        self.looks += 1
        if self.looks == 3:
            self.active += self.late
        return list(self.active)

    def _cancelled(self, number):
        self.active = [job for job in self.active if job["jobId"] != number]

    @property
    def numbers(self):
        return {job["jobId"] for job in self.active}


def job(number, *tags, after_ms=0, description=None):
    return {
        "jobId": number,
        "submissionTime": time.time() * 1000 + after_ms,
        "jobTags": list(tags),
        "description": description,
    }


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(canceller, "_HEARD_S", 0.001)
    monkeypatch.setattr(canceller, "_LATE_S", 0.2)


def stopped(jobs, since_ms=1000):
    thread = Canceller(jobs, since_ms=since_ms, tag="hops-mine")
    thread.start()
    thread.wait(60)
    at_the_reply = jobs.numbers
    thread.join(60)
    assert not thread.is_alive()
    return at_the_reply


def test_the_jobs_of_the_statement_are_cancelled_before_its_reply_whichever_thread_began_them():
    jobs = Jobs(LONG_AGO, job(2, "hops-mine", after_ms=-5), job(3, after_ms=-5))
    assert stopped(jobs) == {1}


def test_a_job_that_java_begins_after_the_reply_is_cancelled_and_the_next_statements_is_not():
    late = [job(7, "hops-mine", after_ms=9000), job(8, "hops-next", after_ms=9000), job(9, after_ms=9000)]
    jobs = Jobs(late=late)
    stopped(jobs)
    assert jobs.looks > 2
    assert jobs.numbers == {8, 9}


def test_jobs_of_streaming_queries_go_on():
    jobs = Jobs(job(2, "hops-mine", after_ms=-5, description="a query\nrunId = 7c"))
    stopped(jobs)
    assert jobs.numbers == {2}


def test_a_java_machine_that_does_not_answer_holds_up_no_reply():
    class Gone(Jobs):
        def running(self):
            raise ConnectionError("gone")

    stopped(Gone())
