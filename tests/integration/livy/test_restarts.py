"""Sessions outlive the service, however it ended: found again with their statements, and what ran meanwhile."""

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.waiting import until

from .service_process import (
    NO_SANDBOX,
    Service,
    control_plane_running,
    finished,
    make_home,
    python_of,
    run,
    start_session,
    submit,
    wait_idle,
    wait_printed,
)

pytestmark = pytest.mark.spark
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}
BEGUN = "import time; print('begun', flush=True); time.sleep(600)"
COUNTING = "import time\nfor i in range({}):\n    print(i, flush=True)\n    time.sleep(0.05)\n{}'whole'"


@pytest.fixture
def service(tmp_path_factory):
    with control_plane_running() as plane:
        running = Service(make_home(tmp_path_factory.mktemp("home"), "weather"), plane).start()
        try:
            yield running
        finally:
            running.stop()
            assert running.processes() == []


@pytest.fixture
def client(service):
    with service.client() as client:
        yield client


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_session_is_found_again_with_all_that_it_had_and_did_meanwhile(service, client, number):
    session_id = start_session(client, name="mine", ttl="2h", **SMALL)
    run(client, session_id, "x = 41")
    run(client, session_id, "print('before'); 1/0")
    before = client.get(f"/sessions/{session_id}/summary").json()
    statements = client.get(f"/sessions/{session_id}/statements").json()
    gate = service.gate()
    running = submit(client, session_id, COUNTING.format(60, gate.wait))
    waiting = submit(client, session_id, "x + 1")
    wait_printed(client, session_id, running, "1")
    service.halt(number)
    time.sleep(1)
    service.start()
    after = client.get(f"/sessions/{session_id}/summary").json()
    assert after["state"] == "busy"
    changes = {"state": "", "statements": 0, "ends": None}  # it works, and ends with nothing to do
    assert {**after, **changes} == {**before, **changes}
    found = client.get(f"/sessions/{session_id}/statements").json()
    assert found["statements"][: len(statements["statements"])] == statements["statements"]
    gate.open()
    output = finished(client, session_id, running)["output"]
    assert output["data"]["text/plain"] == "".join(f"{i}\n" for i in range(60)) + "'whole'"
    assert finished(client, session_id, waiting)["output"]["data"]["text/plain"] == "42"
    assert run(client, session_id, "spark.range(10).count()")["output"]["data"]["text/plain"] == "10"


def test_a_statement_that_ended_while_the_service_was_away_has_its_output(service, client):
    session_id = start_session(client, **SMALL)
    begun, over, gate = service.gate(), service.gate(), service.gate()
    lost = submit(
        client,
        session_id,
        f"open({str(begun.file)!r}, 'w')\n{gate.wait}print('done'); open({str(over.file)!r}, 'w'); 1/0",
    )
    until(begun.file.exists)
    service.halt(signal.SIGKILL)
    gate.open()
    until(over.file.exists)
    time.sleep(1)
    service.start()
    output = finished(client, session_id, lost)["output"]
    assert (output["ename"], output["outputs"][0]["content"]["text"]) == ("ZeroDivisionError", "done\n")
    assert wait_idle(client, session_id)["state"] == "idle"


def test_a_reader_of_the_stream_goes_on_where_it_was(service, client):
    session_id = start_session(client, **SMALL)
    gate = service.gate()
    number = submit(client, session_id, COUNTING.format(100, gate.wait))
    texts, last = [], -1

    def read(*, killing):
        nonlocal last
        path = f"/sessions/{session_id}/statements/{number}/events"
        with client.stream("GET", path, headers={"Last-Event-ID": str(last)}) as stream:
            for line in stream.iter_lines():
                if line.startswith("id:"):
                    last = int(line[3:])
                elif line.startswith("data:"):
                    event = json.loads(line[5:])
                    if event["type"] == "done":
                        return
                    if event["type"] == "stream":
                        texts.append(event["content"]["text"])
                        if killing and "9\n" in texts[-1]:
                            service.halt(signal.SIGKILL)

    with pytest.raises(httpx.TransportError):
        read(killing=True)
    service.start()
    gate.open()
    read(killing=False)
    assert "".join(texts) == "".join(f"{i}\n" for i in range(100))


def test_gpus_stay_a_sessions_over_a_restart_and_come_back_when_both_were_killed(service, client):
    service.halt()
    service.environment["HOPS_GPUS"] = "2"
    service.start()
    gpus = {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "2"}, "onNoRoom": "fail"}
    session_id = start_session(client, **gpus)
    driver = python_of(client, session_id)
    service.halt(signal.SIGKILL)
    service.start()
    assert client.get(f"/sessions/{session_id}").json()["state"] == "idle"
    refused = client.post("/sessions", json={"kind": "pyspark", **gpus})
    assert refused.status_code == 409, refused.text
    service.halt(signal.SIGKILL)
    driver.kill()
    driver.wait(60)
    service.start()
    assert client.get(f"/sessions/{session_id}").json()["state"] == "dead"
    again = start_session(client, **gpus)
    assert client.get(f"/sessions/{again}/summary").json()["resources"]["gpus"] == [0, 1]


def test_a_service_that_stops_answers_who_waits(service, client):
    session_id = start_session(client, **SMALL)
    number = submit(client, session_id, "import time; print('begun'); time.sleep(600)")
    path = f"/sessions/{session_id}/statements/{number}"
    seen = client.get("/overview").json()["version"]
    with ThreadPoolExecutor() as threads, client.stream("GET", f"{path}/events") as stream:
        lines = stream.iter_lines()
        assert "begun" in next(line for line in lines if line.startswith("data:"))
        sent = threading.Semaphore(0)

        def tell(event, _about):
            if event == "http11.send_request_body.complete":
                sent.release()

        held = [
            threads.submit(client.get, path, extensions={"trace": tell}),
            threads.submit(client.get, "/overview", params={"seen": seen, "wait_s": 20}, extensions={"trace": tell}),
        ]
        assert all(sent.acquire(timeout=60) for _ in held)
        with service.client() as later:
            later.get("/sessions")  # whose answer comes after those before it were begun
        service.halt(signal.SIGTERM)
        assert not any(line.startswith("data:") for line in lines)
        statement, overview = (answer.result().json() for answer in held)
    assert (statement["state"], overview["items"][0]["state"]) == ("running", "busy")
    service.start()
    client.post(f"{path}/cancel")
    assert finished(client, session_id, number)["state"] == "cancelled"


def test_an_interrupt_reaches_a_statement_of_before(service, client):
    session_id = start_session(client, **SMALL)
    number = submit(client, session_id, BEGUN)
    wait_printed(client, session_id, number, "begun")
    service.halt(signal.SIGKILL)
    service.start()
    client.post(f"/sessions/{session_id}/statements/{number}/cancel")
    assert finished(client, session_id, number)["state"] == "cancelled"


def test_a_driver_that_died_meanwhile_is_reported_with_its_statements(service, client):
    session_id = start_session(client, **SMALL)
    run(client, session_id, "print('kept')")
    driver = python_of(client, session_id)
    number = submit(client, session_id, BEGUN)
    wait_printed(client, session_id, number, "begun")
    service.halt(signal.SIGKILL)
    driver.kill()
    driver.wait(60)
    service.start()
    summary = client.get(f"/sessions/{session_id}/summary").json()
    assert summary["state"] == "dead"
    # In a sandbox somebody was there to see it.
    words = "ended without a word: it was killed" if NO_SANDBOX else "The driver was killed (signal 9)"
    assert words in summary["reason"]
    assert client.get(f"/sessions/{session_id}/statements/0").json()["output"]["data"]["text/plain"].startswith("kept")
    assert finished(client, session_id, number)["output"]["ename"] == "SessionEnded"
    service.halt()
    service.start()
    assert client.get(f"/sessions/{session_id}/summary").json()["reason"] == summary["reason"]
    assert client.get(f"/sessions/{session_id}/statements/0").json()["output"]["data"]["text/plain"].startswith("kept")
    assert client.delete(f"/sessions/{session_id}").status_code == 200
    assert list((service.home / "run" / "session-records").iterdir()) == []
    with service.client(service.plane.service_token()) as control_plane:
        told = control_plane.get("/happenings", params={"limit": 500}).json()["items"]
    of_it = [(one["is"], one["by"] and one["by"]["user"]) for one in told if one["session"] == session_id]
    assert of_it == [("begun", "ada"), ("ended", None)], "the audit misses neither, though no service saw the end"


def test_a_session_that_is_starting_starts_on(service, client):
    session_id = client.post("/sessions", json=SMALL).json()["id"]
    service.halt(signal.SIGKILL)
    time.sleep(1)
    service.start()
    assert wait_idle(client, session_id)["state"] == "idle"
    assert run(client, session_id, "1+1")["output"]["data"]["text/plain"] == "2"


def test_a_batch_that_ended_meanwhile_has_its_exit_status(service, client):
    gate, resources = service.gate(), service.home / "projects" / "weather" / "Resources"
    (resources / "job.py").write_text(f"import sys\n{gate.wait}print('over', flush=True)\nsys.exit(int(sys.argv[1]))\n")
    good, bad = (
        client.post("/batches", json={"file": "Resources/job.py", "args": [code], "driverMemory": "512m"}).json()["id"]
        for code in ("0", "4")
    )

    def states():
        return [client.get(f"/batches/{number}/state").json()["state"] for number in (good, bad)]

    until(states, wanted=lambda found: found == ["running"] * 2, seconds=120)
    service.halt(signal.SIGKILL)
    gate.open()
    until(service.processes, wanted=lambda left: not left)
    service.start()
    until(states, wanted=lambda found: found == ["success", "dead"])
    assert "over" in client.get(f"/batches/{good}/log").json()["log"]


def test_sessions_end_by_themselves_when_no_service_comes(service, client):
    service.stop()
    service.environment = {"HOPS_DESERTED_S": "2"}
    service.start()
    start_session(client, **SMALL)
    service.halt(signal.SIGKILL)
    until(service.processes, wanted=lambda left: not left)


def test_a_second_service_of_the_same_home_is_refused(service, client):
    session_id = start_session(client, **SMALL)
    second = Service(service.home, service.plane)
    with pytest.raises(AssertionError, match="Another session service"):
        second.start()
    assert run(client, session_id, "1")["output"]["status"] == "ok"
