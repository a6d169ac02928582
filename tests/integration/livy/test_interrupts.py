"""An interrupt reaches the statement that it is for, whenever it comes, and no other."""

import json
import time

import pytest

from .service_process import run, start_session

pytestmark = pytest.mark.spark
_TIMES = 40


@pytest.fixture(scope="module")
def session_id(service):
    with service.client() as client:
        number = start_session(client, driverMemory="512m", executorMemory="512m")
        run(client, number, "import time; spark.range(10).count()")
        yield number
        client.delete(f"/sessions/{number}")


def _submit(client, session_id, code):
    return client.post(f"/sessions/{session_id}/statements", json={"code": code}).json()["id"]


def test_an_interrupt_that_comes_as_its_statement_ends_never_meets_the_next_one(client, session_id):
    cancelled = 0
    for number in range(_TIMES):
        first = _submit(client, session_id, "time.sleep(0.03)")
        second = _submit(client, session_id, f"time.sleep(0.02); spark.range({number}).count()")
        time.sleep(number / _TIMES * 0.06)
        client.post(f"/sessions/{session_id}/statements/{first}/cancel")
        follower = client.get(f"/sessions/{session_id}/statements/{second}").json()
        assert follower["output"]["data"] == {"text/plain": str(number)}, f"round {number}: {follower['output']}"
        cancelled += client.get(f"/sessions/{session_id}/statements/{first}").json()["state"] == "cancelled"
    assert 0 < cancelled <= _TIMES


def test_a_statement_that_is_cancelled_before_it_begins_never_runs_on(client, session_id):
    for _ in range(5):
        number = _submit(client, session_id, "time.sleep(600)")
        began = time.monotonic()
        client.post(f"/sessions/{session_id}/statements/{number}/cancel")
        assert client.get(f"/sessions/{session_id}/statements/{number}").json()["state"] == "cancelled"
        assert time.monotonic() - began < 120


def test_a_waiting_statement_is_cancelled_without_touching_the_running_one(client, session_id):
    running = _submit(client, session_id, "time.sleep(1); 'whole'")
    waiting = _submit(client, session_id, "'never'")
    client.post(f"/sessions/{session_id}/statements/{waiting}/cancel")
    assert client.get(f"/sessions/{session_id}/statements/{waiting}").json()["state"] == "cancelled"
    output = client.get(f"/sessions/{session_id}/statements/{running}").json()["output"]
    assert output["data"] == {"text/plain": "'whole'"}


def test_code_that_takes_an_interrupt_gets_one_for_each_cancellation(client, session_id):
    code = (
        "caught = 0\nuntil = time.time() + 30\n"
        "while caught < 2 and time.time() < until:\n"
        "    try:\n        time.sleep(30)\n    except KeyboardInterrupt:\n        caught += 1\n        time.sleep(1)\n"
        "caught"
    )
    number = _submit(client, session_id, code)
    time.sleep(0.5)
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    time.sleep(2)
    assert client.get(f"/sessions/{session_id}/statements/{number}?hold=false").json()["state"] == "cancelling"
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    assert client.get(f"/sessions/{session_id}/statements/{number}").json()["output"]["data"] == {"text/plain": "2"}


def test_code_that_waits_for_coroutines_is_interrupted_too(client, session_id):
    number = _submit(client, session_id, "import asyncio\nawait asyncio.sleep(60)")
    time.sleep(0.5)
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    assert client.get(f"/sessions/{session_id}/statements/{number}").json()["state"] == "cancelled"
    assert run(client, session_id, "1 + 1")["output"]["data"] == {"text/plain": "2"}


def test_an_interrupt_ends_the_jobs_of_its_statement_and_no_others(client, session_id):
    earlier = (
        "import threading\nnumbers = sc.parallelize(range(2), 2)\ncounted = []\n"
        "slow = lambda seconds: numbers.map(lambda _: time.sleep(seconds)).count()\n"
        "thread = threading.Thread(target=lambda: counted.append(slow(6)))\nthread.start()\n"
        "rate = spark.readStream.format('rate').option('rowsPerSecond', 5).load()\n"
        "query = rate.writeStream.format('memory').queryName('rates').start()\n"
        "while not query.recentProgress:\n    time.sleep(0.1)\n"
    )
    assert run(client, session_id, earlier)["output"]["status"] == "ok"
    number = _submit(client, session_id, "slow(300)")
    running = "[job for job in sc.statusTracker().getActiveJobsIds()]"
    time.sleep(2)
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    assert client.get(f"/sessions/{session_id}/statements/{number}").json()["state"] == "cancelled"
    after = run(client, session_id, "thread.join(); counted, query.isActive, query.exception()")["output"]
    assert after["data"] == {"text/plain": "([2], True, None)"}, after
    ended = f"query.stop()\nuntil = time.time() + 20\nwhile {running} and time.time() < until:\n    time.sleep(0.2)\n"
    assert run(client, session_id, f"{ended}{running}")["output"]["data"] == {"text/plain": "[]"}


def test_an_interrupted_job_says_nothing_but_that(client, session_id):
    run(client, session_id, "import logging")
    number = _submit(client, session_id, "spark.range(1).foreach(lambda row: time.sleep(60))")
    with client.stream("GET", f"/sessions/{session_id}/statements/{number}/events") as answer:
        time.sleep(3)  # Java has the job by then, and the driver waits for its answer
        client.post(f"/sessions/{session_id}/statements/{number}/cancel")
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert not [event for event in events if event.get("type") == "stream"], events
    # py4j logs by the root logger, which gives it a handler.
    assert run(client, session_id, "logging.getLogger().handlers")["output"]["data"] == {"text/plain": "[]"}


def test_a_session_with_a_streaming_query_is_not_idle(client):
    number = start_session(client, driverMemory="512m", executorMemory="512m", ttl="4s")
    code = "query = spark.readStream.format('rate').load().writeStream.format('memory').queryName('q').start(); 7"
    assert run(client, number, code)["output"]["data"] == {"text/plain": "7"}
    time.sleep(15)
    assert client.get(f"/sessions/{number}?hold=false").json()["state"] == "idle"
    assert client.post("/overview:stop-idle", json={"scope": "own", "sessions": [number]}).json() == {"ended": []}
    run(client, number, "query.stop()")
    for _ in range(60):
        state = client.get(f"/sessions/{number}?hold=false").json()["state"]
        if state == "killed":
            break
        time.sleep(0.5)
    assert state == "killed"
