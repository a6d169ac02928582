"""An interrupt reaches the statement that it is for, whenever it comes, and no other."""

import json
import time

import pytest

from tests.waiting import until

from .service_process import finished, run, start_session, submit, wait_for_tasks, wait_idle, wait_printed

pytestmark = pytest.mark.spark
_TIMES = 40


@pytest.fixture(scope="module")
def session_id(service):
    with service.client() as client:
        number = start_session(client, driverMemory="512m", executorMemory="512m")
        run(client, number, "import time; spark.range(10).count()")
        yield number
        client.delete(f"/sessions/{number}")


def test_an_interrupt_that_comes_as_its_statement_ends_never_meets_the_next_one(client, session_id):
    began = time.monotonic()
    run(client, session_id, "1")
    # So long that the first cancellations come in its middle, also where a request takes long.
    length_s = max(0.03, time.monotonic() - began)
    cancelled = 0
    for number in range(_TIMES):
        first = submit(client, session_id, f"time.sleep({length_s})")
        second = submit(client, session_id, f"time.sleep(0.02); spark.range({number}).count()")
        time.sleep(number / _TIMES * 2 * length_s)
        client.post(f"/sessions/{session_id}/statements/{first}/cancel")
        follower = finished(client, session_id, second)
        assert follower["output"]["data"] == {"text/plain": str(number)}, f"round {number}: {follower['output']}"
        cancelled += finished(client, session_id, first)["state"] == "cancelled"
    assert 0 < cancelled <= _TIMES


def test_a_statement_that_is_cancelled_before_it_begins_never_runs_on(client, session_id):
    for _ in range(5):
        number = submit(client, session_id, "time.sleep(600)")
        client.post(f"/sessions/{session_id}/statements/{number}/cancel")
        assert finished(client, session_id, number)["state"] == "cancelled"


def test_a_waiting_statement_is_cancelled_without_touching_the_running_one(service, client, session_id):
    gate = service.gate()
    running = submit(client, session_id, f"{gate.wait}'whole'")
    waiting = submit(client, session_id, "'never'")
    client.post(f"/sessions/{session_id}/statements/{waiting}/cancel")
    assert client.get(f"/sessions/{session_id}/statements/{waiting}").json()["state"] == "cancelled"
    gate.open()
    assert finished(client, session_id, running)["output"]["data"] == {"text/plain": "'whole'"}


def test_code_that_takes_an_interrupt_gets_one_for_each_cancellation(client, session_id):
    code = (
        "caught = 0\n"
        "while caught < 2:\n"
        "    try:\n        print('caught', caught, flush=True)\n        time.sleep(600)\n"
        "    except KeyboardInterrupt:\n        caught += 1\n"
        "print('caught', caught)"
    )
    number = submit(client, session_id, code)
    wait_printed(client, session_id, number, "caught 0")
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    wait_printed(client, session_id, number, "caught 1")
    time.sleep(2)  # none comes by itself in this time
    assert client.get(f"/sessions/{session_id}/statements/{number}?hold=false").json()["state"] == "cancelling"
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    output = finished(client, session_id, number)["output"]
    assert output["data"] == {"text/plain": "caught 0\ncaught 1\ncaught 2"}


def test_code_that_waits_for_coroutines_is_interrupted_too(client, session_id):
    number = submit(client, session_id, "import asyncio\nprint('begun', flush=True)\nawait asyncio.sleep(600)")
    wait_printed(client, session_id, number, "begun")
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    assert finished(client, session_id, number)["state"] == "cancelled"
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
    number = submit(client, session_id, "slow(600)")
    running = "[job for job in sc.statusTracker().getActiveJobsIds()]"
    wait_for_tasks(client, session_id, number)
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    assert finished(client, session_id, number)["state"] == "cancelled"
    after = run(client, session_id, "thread.join(); counted, query.isActive, query.exception()")["output"]
    assert after["data"] == {"text/plain": "([2], True, None)"}, after
    ended = f"query.stop()\nuntil = time.time() + 60\nwhile {running} and time.time() < until:\n    time.sleep(0.2)\n"
    assert run(client, session_id, f"{ended}{running}")["output"]["data"] == {"text/plain": "[]"}


def test_an_interrupted_job_says_nothing_but_that(client, session_id):
    run(client, session_id, "import logging")
    number = submit(client, session_id, "spark.range(1).foreach(lambda row: time.sleep(600))")
    with client.stream("GET", f"/sessions/{session_id}/statements/{number}/events") as answer:
        wait_for_tasks(client, session_id, number)  # Java has the job, and the driver waits for its answer
        client.post(f"/sessions/{session_id}/statements/{number}/cancel")
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert not [event for event in events if event.get("type") == "stream"], events
    # py4j logs by the root logger, which gives it a handler.
    assert run(client, session_id, "logging.getLogger().handlers")["output"]["data"] == {"text/plain": "[]"}


def test_a_session_with_a_streaming_query_is_not_idle(client):
    small = {"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"}
    number = client.post("/sessions", json={**small, "ttl": "4s"}).json()["id"]
    code = "query = spark.readStream.format('rate').load().writeStream.format('memory').queryName('q').start(); 7"
    # Asked for while it starts: idle without a query it is never.
    first = submit(client, number, code)
    wait_idle(client, number)
    assert finished(client, number, first)["output"]["data"] == {"text/plain": "7"}
    time.sleep(15)
    assert client.get(f"/sessions/{number}?hold=false").json()["state"] == "idle"
    assert client.post("/overview:stop-idle", json={"scope": "own", "sessions": [number]}).json() == {"ended": []}
    run(client, number, "query.stop()")
    until(lambda: client.get(f"/sessions/{number}?hold=false").json()["state"] == "killed")
