import pytest

from hops_livy.driver.hops_session.progress import progress_of, stage_name
from hops_livy.progress import Progress


def _job(**values):
    return {
        "submissionTime": 2000, "description": None, "status": "RUNNING", "stageIds": [7, 8], "numTasks": 24,
        "numActiveTasks": 4, "numCompletedTasks": 8, "numFailedTasks": 1, "numCompletedStages": 1,
        "numSkippedStages": 0, "numFailedStages": 0, **values,
    }  # fmt: skip


def _stage(**values):
    name = "count at /run/sessions/3/tmp/ipykernel_9/123.py:4"
    return {"stageId": 8, "name": name, "description": None, "numTasks": 20, "numCompleteTasks": 4, **values}


DONE = _job(
    status="SUCCEEDED", stageIds=[5], numTasks=2, numActiveTasks=0, numCompletedTasks=2, numFailedTasks=0,
)  # fmt: skip


def test_stages_and_tasks_of_the_statements_jobs_are_counted():
    assert progress_of([_job(), DONE], [_stage()], 16, since_ms=1000) == {
        "active": True, "name": "count at line 4", "stage": 3, "stages": 3, "stage_done": 4, "stage_tasks": 20,
        "tasks_done": 10, "tasks": 26, "tasks_running": 4, "tasks_failed": 1,
    }  # fmt: skip


def test_jobs_of_earlier_statements_and_of_streams_do_not_count():
    stream = _job(description="name<br/>id = 1<br/>runId = 2<br/>batch = 3")
    told = progress_of([stream, _job(submissionTime=999)], [_stage()], 16, since_ms=1000)
    assert (told["active"], told["stages"], told["tasks"], told["stage_tasks"]) == (False, 0, 0, 0)


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ({"name": "count at NativeMethodAccessorImpl.java:0"}, "count"),
        ({"name": "$anonfun$withThreadLocalCaptured$1 at CompletableFuture.java:1768"}, ""),
        ({"name": "collect at /x/ipykernel_1/2.py:3", "description": "my\nwords"}, "my words"),
        ({"name": None}, ""),
        ({"description": "a" * 1000}, "a" * 100),
    ],
)
def test_a_stage_is_named_in_words_of_the_cell(stage, name):
    assert stage_name(_stage(**stage)) == name


def test_what_a_session_tells_is_bounded():
    told = Progress.of({"name": "x" * 10_000, "tasks": "many", "tasks_done": -3, "stages": 10**30, "active": 1})
    assert told == Progress(name="x" * 200, stages=2**53)
    assert told.fraction == 0.0


def test_the_fraction_is_never_more_than_all():
    assert Progress(tasks=4, tasks_done=9).fraction == 1.0


def test_no_more_tasks_run_than_can():
    assert progress_of([_job()], [_stage()], 3, since_ms=1000)["tasks_running"] == 3
