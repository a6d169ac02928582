"""How sessions end: by request, by accident, with the service. Nothing of them is left."""

import shutil
import signal
import time

import pytest

from tests.waiting import until

from .service_process import finished, python_of, run, start_session, submit, wait_dead

pytestmark = pytest.mark.spark


def _left(service):
    return [process.cmdline()[:2] for process in service.processes()]


def test_a_killed_driver_is_noticed_with_the_cause(service, client):
    session_id = start_session(client, driverMemory="512m", executorMemory="512m")
    python_of(client, session_id).kill()
    wait_dead(client, session_id)
    reason = client.get(f"/sessions/{session_id}/summary").json()["reason"]
    cause = "by someone or by a program, not by the kernel for lack of memory"
    assert reason.startswith(f"The driver was killed (signal 9): {cause}. The session had taken "), reason
    until(lambda: _left(service), wanted=lambda left: not left)


STUBBORN = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('here', flush=True)
for _ in range(6000):
    pathlib.Path('alive-now').write_text(str(time.time()))
    os.replace('alive-now', 'alive-at')
    time.sleep(0.1)
"""


def test_a_death_is_told_before_all_that_it_left_has_gone(service, client):
    session_id = start_session(client, driverMemory="512m", executorMemory="512m")
    code = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
    )
    run(client, session_id, code)
    driver = python_of(client, session_id)
    number = submit(client, session_id, "import time; time.sleep(600)")
    driver.kill()
    ended = finished(client, session_id, number)
    assert ended["output"]["ename"] == "SessionEnded"
    assert client.get(f"/sessions/{session_id}").json()["state"] == "dead"
    client.delete(f"/sessions/{session_id}")
    assert _left(service) == []
    alive_at = float((service.home / "projects" / "weather" / "Jupyter" / "alive-at").read_text())
    assert ended["completed"] / 1000 < alive_at, "it heeds no wish to end, so it had some seconds left"


@pytest.mark.parametrize("killed", ["driver", "driver's Java machine"])
def test_gpus_of_a_driver_that_is_killed_are_free_for_the_next(client, killed):
    gpus = {"conf": {"spark.executor.resource.gpu.amount": "4"}, "onNoRoom": "fail"}
    session_id = start_session(client, driverMemory="512m", executorMemory="512m", **gpus)
    assert client.post("/sessions", json={"kind": "pyspark", **gpus}).status_code == 409
    python = python_of(client, session_id)
    (java,) = [child for child in python.children() if child.name() == "java"]
    (python if killed == "driver" else java).kill()
    wait_dead(client, session_id)
    assert f"The {killed} was killed (signal 9)" in client.get(f"/sessions/{session_id}/summary").json()["reason"]
    again = start_session(client, driverMemory="512m", executorMemory="512m", **gpus)
    client.delete(f"/sessions/{again}")


ANOTHER_SPARK = """
spark.stop()
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
"""


def test_a_session_whose_spark_is_stopped_ends_and_says_so_unless_it_is_started_again(client):
    session_id = start_session(client, driverMemory="512m", executorMemory="512m")
    assert run(client, session_id, ANOTHER_SPARK)["output"]["status"] == "ok"
    time.sleep(2)
    assert run(client, session_id, "spark.range(3).count()")["output"]["data"]["text/plain"] == "3"
    assert run(client, session_id, "spark.stop()")["output"]["status"] == "ok"
    wait_dead(client, session_id)
    reason = client.get(f"/sessions/{session_id}/summary").json()["reason"]
    assert reason == "The driver's Java machine was ended from inside the session (System.exit or spark.stop)."


KILLS_ITS_EXECUTOR = """
import os, signal
def end(_):
    daemon = os.getppid()
    with open(f"/proc/{daemon}/stat") as told:
        os.kill(int(told.read().rpartition(")")[2].split()[1]), signal.SIGKILL)
sc.parallelize([0], 1).foreach(end)
"""


def test_an_executor_that_is_killed_is_told_in_the_cells_error_with_the_cause(client):
    session_id = start_session(client, numExecutors=2, driverMemory="512m", executorMemory="512m")
    error = run(client, session_id, KILLS_ITS_EXECUTOR)["output"]
    assert "An executor was killed (signal 9): by someone or by a program, not by the kernel" in error["evalue"], error
    assert error["traceback"][-1].startswith("An executor was killed (signal 9)"), "a notebook shows nothing else"
    client.delete(f"/sessions/{session_id}")


def test_a_batch_runs_a_file_of_the_project(service, client):
    (service.home / "projects" / "weather" / "Resources" / "job.py").write_text(
        "import sys\nfrom pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "print('counted', spark.range(int(sys.argv[1])).count(), flush=True)\n"
    )
    batch = client.post("/batches", json={"file": "Resources/job.py", "args": ["7"], "driverMemory": "512m"}).json()
    until(lambda: client.get(f"/batches/{batch['id']}").json()["state"] in {"success", "dead"}, seconds=120)
    log = client.get(f"/batches/{batch['id']}/log").json()["log"]
    assert "counted 7" in log
    assert client.get(f"/batches/{batch['id']}/state").json()["state"] == "success"
    outside = client.post("/batches", json={"file": "../sales/Resources/job.py"})
    assert outside.status_code == 400


def test_a_removed_members_sessions_end_at_the_control_planes_word(service):
    with service.client(service.plane.token("grace")) as grace:
        start_session(grace, driverMemory="512m", executorMemory="512m")
        assert grace.delete("/owners/weather__grace").status_code == 403
        with service.client(service.plane.service_token()) as control_plane:
            assert control_plane.delete("/owners/weather__grace").json() == {"ended": 1}
        assert _left(service) == []
        answer = grace.get("/sessions")
    assert (answer.status_code, "no longer a member of project weather" in answer.json()["detail"]) == (401, True)


def test_what_is_left_of_a_session_that_nobody_knows_is_ended_by_the_next_service(service):
    with service.client() as client:
        session_id = start_session(client, driverMemory="512m", executorMemory="512m")
        service.halt(signal.SIGKILL)
        shutil.rmtree(service.home / "run" / "session-records" / str(session_id))
        service.start()
        until(lambda: _left(service), wanted=lambda left: not left)
        assert client.get(f"/sessions/{session_id}").status_code == 404
        again = client.post("/sessions", json={"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"})
        assert again.json()["id"] > session_id
    service.stop()
    assert _left(service) == []
    assert list((service.home / "run" / "session-records").iterdir()) == []
    service.start()
