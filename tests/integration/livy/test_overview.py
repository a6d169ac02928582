"""Sessions of real Spark, looked after by a Data Owner and by an administrator."""

import threading

import pytest

from .service_process import finished, run, start_session, submit, wait_idle, wait_printed

pytestmark = pytest.mark.spark
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}
LONG = "import time\nprint('begun', flush=True)\ntime.sleep(600)"


@pytest.fixture
def olga(service, control_plane):
    control_plane.roles["weather", "olga"] = "data_owner"
    with service.client(control_plane.token("olga")) as client:
        yield client


@pytest.fixture
def root(service, control_plane):
    control_plane.administrators.add("root")
    with service.client(control_plane.token("root", project=None, role=None, kind="user", admin=True)) as client:
        yield client


def test_a_data_owner_sees_it_working_reads_its_log_and_ends_it_and_its_owner_reads_who_did(service, client, olga):
    number = start_session(client, **SMALL)
    run(client, number, "1")
    version = olga.get("/overview?scope=project").json()["version"]
    wait_printed(client, number, submit(client, number, LONG), "begun")
    (item,) = olga.get("/overview", params={"scope": "project", "seen": version, "wait_s": 20}).json()["items"]
    assert (item["id"], item["state"], item["own"]) == (number, "busy", False)
    assert (item["statements"], item["last_statement"]["line"]) == (2, None)
    assert item["resources"]["driver_memory_mib"] == 512
    assert olga.get(f"/overview/{number}/log").json()["total"] > 0

    cells = []
    waiting = threading.Thread(target=lambda: cells.append(client.get(f"/sessions/{number}/statements/1").json()))
    waiting.start()
    ended = olga.delete(f"/overview/{number}").json()
    waiting.join(60)
    assert (ended["state"], ended["reason"]) == ("killed", "It was stopped by Data Owner olga.")
    assert cells[0]["output"]["evalue"] == "SessionEnded: It was stopped by Data Owner olga."
    assert client.get(f"/sessions/{number}/log").json()["log"][-1] == "It was stopped by Data Owner olga."
    assert service.processes() == []


def test_an_administrator_ends_all_idle_ones_and_the_busy_one_goes_on(client, root, service, control_plane):
    idle = start_session(client, **SMALL)
    with service.client(control_plane.token("bob", "sales")) as bob:
        busy = start_session(bob, **SMALL)
        gate = service.gate("sales")
        number = submit(bob, busy, f"{gate.wait}7")
        listed = root.get("/overview?scope=all").json()
        assert {one["owner"] for one in listed["items"] if one["state"] in ("idle", "busy")} == {
            "weather__ada", "sales__bob",
        }  # fmt: skip
        assert root.post("/overview:stop-idle", json={"scope": "all"}).json() == {"ended": [idle]}
        reason = client.get(f"/sessions/{idle}/summary").json()["reason"]
        assert reason == "It was idle and was stopped by administrator root."
        gate.open()
        assert finished(bob, busy, number)["output"]["data"]["text/plain"] == "7"
        assert wait_idle(bob, busy)["state"] == "idle"
        assert run(bob, busy, "8")["output"]["data"]["text/plain"] == "8"
        root.delete(f"/overview/{busy}")
    assert service.processes() == []
