"""Sessions on a standalone cluster: a real master with two workers of declared GPUs."""

import json

import psutil
import pytest

from tests.sample_certificate import SAMPLE
from tests.waiting import until

from .pages_on_clusters import check_pages
from .service_process import cluster_running, run, start_session
from .standalone_cluster import DRIVER_HOST, StandaloneCluster

pytestmark = pytest.mark.spark
SMALL = {"driverMemory": "512m", "executorMemory": "512m", "executorCores": 1}
WHERE = """
import json, os
from pyspark import TaskContext
def look(_):
    context = TaskContext.get()
    return [(context.resources()["gpu"].addresses, os.getppid(), os.environ["HOPS_PROJECT_USER"],
             "HOPS_TOKEN_FILE" in os.environ)]
print(json.dumps(sc.parallelize(range(2), 2).mapPartitions(look).collect()))
"""
CERTIFICATE = """
import json
from hops import tls
def read(_=None):
    return [tls.get_key_store_pwd(), open(tls.get_client_key_location()).read()]
print(json.dumps([read(), sc.parallelize(range(1), 1).map(read).collect()[0]]))
"""


@pytest.fixture(scope="module")
def cluster():
    with cluster_running(StandaloneCluster, "standalone-") as running:
        yield running


@pytest.fixture(scope="module")
def service_settings(cluster):
    return cluster.settings


@pytest.fixture(scope="module")
def session(service):
    """Holds two of the four GPUs, one on each worker or both on one."""
    with service.client() as client:
        number = start_session(client, numExecutors=2, conf={"spark.executor.resource.gpu.amount": 1}, **SMALL)
        yield number
        client.delete(f"/sessions/{number}")


def _reason(client, number, wanted):
    """The session's reason, as soon as it holds ``wanted``."""

    def reason():
        return client.get(f"/sessions/{number}/summary").json()["reason"]

    return until(reason, wanted=lambda told: wanted in told, seconds=120, pause_s=0.5)


def _applications(cluster, count):
    """The master's applications, as soon as there are so many: it learns of an end a moment later."""
    return until(lambda: cluster.told()["activeapps"], wanted=lambda found: len(found) == count, pause_s=0.2)


def test_a_session_works_on_the_clusters_workers_each_executor_with_gpus_of_its_own(client, cluster, session):
    said = run(client, session, WHERE)["output"]
    found = json.loads(said["data"]["text/plain"])
    assert len({addresses[0] for addresses, *_ in found}) == 2
    workers = {process.pid for name, process in cluster.processes.items() if name.startswith("worker")}
    for _addresses, parent, owner, knows_token in found:
        assert workers & {process.pid for process in psutil.Process(parent).parents()}
        assert (owner, knows_token) == ("weather__ada", False)
    assert [each["user"] for each in _applications(cluster, 1)] == ["weather__ada"]
    assert client.get(f"/sessions/{session}/summary").json()["reason"] == ""


def test_executors_have_their_owners_certificate_in_their_own_folder(client, session):
    said = run(client, session, CERTIFICATE)["output"]
    assert said["status"] == "ok", said
    files = SAMPLE.files()
    here, there = json.loads(said["data"]["text/plain"])
    assert here == there == [files["password"].decode(), files["key.pem"].decode()]


def test_classes_of_the_scala_interpreter_reach_the_workers(client, session):
    code = "case class Point(x: Int)\nsc.parallelize(1 to 4, 2).map(Point(_)).map(_.x).sum"
    output = run(client, session, code, kind="spark")["output"]
    assert "10.0" in output["data"]["text/plain"], output


def test_the_owner_sees_sparks_pages_and_nobody_else_does(client, service, session):
    check_pages(service, client, session, driver_host=DRIVER_HOST)


def test_what_the_cluster_never_has_is_refused_with_what_it_has(client, session):
    many = client.post("/sessions", json={"numExecutors": 5, "conf": {"spark.executor.resource.gpu.amount": 1}})
    assert many.status_code == 409
    assert "5 executors of 1 GPU" in many.json()["detail"]
    assert "(2 of 2 GPUs, 2 cores and 2 GiB)" in many.json()["detail"]
    label = {"spark.executor.resource.gpu.amount": 1, "spark.hops.gpu.label": "infiniband"}
    unknown = client.post("/sessions:check", json={"conf": label})
    assert (unknown.status_code, "has the label 'infiniband'" in unknown.json()["detail"]) == (409, True)


def test_what_others_have_now_is_waited_for_and_told_and_an_end_leaves_nothing(client, service, cluster, session):
    with service.client(service.plane.token("eve", "sales")) as other:
        waiting = start_session(other, numExecutors=2, conf={"spark.executor.resource.gpu.amount": 2}, **SMALL)
        reason = _reason(other, waiting, "Waits for executors")
        assert "of 2 of 2 GPUs, 1 core and 512 MiB; the cluster has " in reason
        assert "Others that work there: 1 of others." in reason
        assert other.get(f"/sessions/{waiting}/log").json()["log"][-1].startswith("Waits for executors")
        _applications(cluster, 2)
        other.delete(f"/sessions/{waiting}")
    assert [each["user"] for each in _applications(cluster, 1)] == ["weather__ada"]


def test_a_second_one_that_waits_is_told_of_the_first_by_name_in_its_own_project_alone(service, cluster, session):
    two = {"numExecutors": 2, "conf": {"spark.executor.resource.gpu.amount": 2}, **SMALL}
    with service.client(service.plane.token("eve", "sales")) as eve, service.client(service.plane.token("bob")) as bob:
        # Each of two workers has two GPUs, and one session has two of them: there is room for one of these at most.
        eves, bobs = start_session(eve, **two), start_session(bob, **two)
        of_eve = _reason(eve, eves, "Others that work there: 1 of others; that wait too: 1 of others.")
        of_bob = _reason(bob, bobs, "1 of weather__ada; that wait too: 1 of others.")
        for told in (of_eve, of_bob):
            assert "Waits for executors: 0 of 2 of 2 GPUs, 1 core and 512 MiB; the cluster has " in told
        assert "weather" not in of_eve
        assert "sales" not in of_bob
        eve.delete(f"/sessions/{eves}")
        assert _reason(bob, bobs, "there: 1 of weather__ada.")
        bob.delete(f"/sessions/{bobs}")
    assert [each["user"] for each in _applications(cluster, 1)] == ["weather__ada"]


def test_one_that_may_not_wait_ends_with_what_the_cluster_has(service, cluster, session):
    with service.client(service.plane.token("eve", "sales")) as other:
        two = {"numExecutors": 2, "conf": {"spark.executor.resource.gpu.amount": 2}, "onNoRoom": "fail", **SMALL}
        made = other.post("/sessions", json=two)
        assert made.status_code == 201, made.text
        number = made.json()["id"]
        reason = _reason(other, number, "There is no room on the cluster now")
        assert "of 2 of 2 GPUs, 1 core and 512 MiB; the cluster has " in reason
        until(
            lambda: other.get(f"/sessions/{number}/state").json()["state"],
            wanted=lambda state: state == "dead",
            pause_s=0.2,
        )
    assert [each["user"] for each in _applications(cluster, 1)] == ["weather__ada"]


def test_a_worker_that_dies_is_told_in_words_and_the_session_goes_on(client, cluster, session):
    cluster.kill("worker-0")
    cluster.kill("worker-1")
    assert _reason(client, session, "Waits for executors: 0 of 2")
    assert any("Lost executor" in line for line in client.get(f"/sessions/{session}/log?size=500").json()["log"])
    assert run(client, session, "print(1 + 1)")["output"]["data"]["text/plain"] == "2"
    client.delete(f"/sessions/{session}")
    _applications(cluster, 0)
