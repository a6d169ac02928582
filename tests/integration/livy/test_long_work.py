"""Work that outlasts a token or an executor: real Spark, a clustered session, every port on loopback."""

import ipaddress
import time

import jwt
import psutil
import pytest

from tests.waiting import until

from .service_process import finished, run, start_session, submit, wait_idle

pytestmark = pytest.mark.spark
DYNAMIC = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "0",
    "spark.dynamicAllocation.maxExecutors": "2",
    "spark.dynamicAllocation.executorIdleTimeout": "2s",
}
COUNT = "spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1"
WORK = """
import os, time
folder = os.environ["HOPS_PROJECT_PATH"] + "/Resources/"
def work(number):
    open(f"{folder}begun-{number}", "w").close()
    until = time.time() + 200
    while not os.path.exists(f"{folder}seen") and time.time() < until:
        time.sleep(0.1)
    return os.environ.get("SPARK_EXECUTOR_ID") or os.getppid()
len(set(spark.sparkContext.parallelize(range(2), 2).map(work).collect()))
"""


def _others_can_reach(process):
    return [
        connection.laddr
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
        and not ipaddress.ip_address(connection.laddr.ip.removeprefix("::ffff:")).is_loopback
    ]


def test_executors_come_with_the_work_go_after_it_and_listen_on_loopback_only(service, client):
    session_id = start_session(client, driverMemory="512m", executorMemory="512m", executorCores=1, conf=DYNAMIC)
    assert run(client, session_id, COUNT)["output"]["data"]["text/plain"] == "0"
    number = client.post(f"/sessions/{session_id}/statements", json={"code": WORK}).json()["id"]
    resources = service.home / "projects" / "weather" / "Resources"
    until(lambda: len(list(resources.glob("begun-*"))) == 2, "there are no executors for both tasks", seconds=180)
    processes = service.processes()
    assert any("org.apache.spark.executor" in " ".join(process.cmdline()) for process in processes)
    assert [_others_can_reach(process) for process in [*processes, psutil.Process(service.process.pid)]] == [
        [] for _ in range(len(processes) + 1)
    ]
    (resources / "seen").touch()
    assert finished(client, session_id, number)["output"]["data"]["text/plain"] == "2", "each had one of its own"
    code = f"import time\nuntil = time.time() + 90\nwhile {COUNT} and time.time() < until:\n    time.sleep(1)\n{COUNT}"
    assert run(client, session_id, code)["output"]["data"]["text/plain"] == "0"
    client.delete(f"/sessions/{session_id}")
    assert service.processes() == []


def test_the_token_is_renewed_under_a_cell_that_outlasts_it(service, control_plane):
    first = control_plane.token("hedy", life_s=40)
    ends = jwt.decode(first, options={"verify_signature": False})["exp"]
    with service.client(first) as hedy:
        made = hedy.post("/sessions", json={"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"})
        session_id = made.json()["id"]
    # On a busy machine a start outlasts the token of the first request.
    with service.client(control_plane.token("hedy")) as hedy:
        assert wait_idle(hedy, session_id)["state"] == "idle"
        code = (
            "import os, time\nfrom pathlib import Path\n"
            f"while time.time() < {ends + 1}:\n    time.sleep(0.5)\n"
            "Path(os.environ['HOPS_TOKEN_FILE']).read_text()"
        )
        number = submit(hedy, session_id, code)
        had = finished(hedy, session_id, number)["output"]["data"]["text/plain"].strip("'")
        assert had != first
        assert jwt.decode(had, options={"verify_signature": False})["exp"] > time.time()
        hedy.delete(f"/sessions/{session_id}")
