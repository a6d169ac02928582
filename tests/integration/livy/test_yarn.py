"""Sessions on YARN: a real ResourceManager and two NodeManagers with declared GPUs, one host with a label."""

import json

import pytest

from tests.waiting import until

from .pages_on_clusters import check_pages
from .service_process import cluster_running, run, start_session, wait_dead
from .yarn_cluster import DRIVER_HOST, LABEL, LABELLED, YarnCluster

pytestmark = pytest.mark.spark
SMALL = {"driverMemory": "512m", "executorMemory": "512m", "executorCores": 1}
WHERE = """
import json, os
from pyspark import TaskContext
def look(_):
    return [(TaskContext.get().resources()["gpu"].addresses, os.environ["NM_HOST"], os.environ["HOPS_PROJECT_USER"],
             "HOPS_TOKEN_FILE" in os.environ)]
print(json.dumps(sc.parallelize(range(2), 2).mapPartitions(look).collect()))
"""


def _gpus(number, label=None):
    return {"spark.executor.resource.gpu.amount": number} | ({} if label is None else {"spark.hops.gpu.label": label})


@pytest.fixture(scope="module")
def cluster():
    with cluster_running(YarnCluster, "yarn-") as running:
        yield running


@pytest.fixture(scope="module")
def service_settings(cluster):
    return cluster.settings


@pytest.fixture(scope="module")
def session(service):
    """Two executors with two GPUs each, on hosts with the label: all that there are."""
    with service.client() as client:
        number = start_session(client, numExecutors=2, conf=_gpus(2, LABEL), **SMALL)
        yield number
        client.delete(f"/sessions/{number}")


def test_executors_run_as_the_owner_and_the_scheduler_counts_their_gpus_on_the_right_label(client, cluster, session):
    output = run(client, session, WHERE)["output"]
    found = json.loads(output["data"]["text/plain"])
    assert [(len(addresses), *more) for addresses, *more in found] == [(2, LABELLED, "weather__ada", False)] * 2
    given = until(cluster.nodes, wanted=lambda nodes: nodes[LABELLED]["gpus"] == 4)
    assert [node["gpus"] for node in given.values() if node["labels"] == []] == [0]
    (application,) = cluster.applications()
    assert (application["user"], application["applicationType"]) == ("weather__ada", "SPARK")
    until(lambda: client.get(f"/sessions/{session}/summary").json()["reason"], wanted=lambda reason: reason == "")


def test_the_owner_sees_sparks_pages_and_nobody_else_does(client, service, session):
    check_pages(service, client, session, driver_host=DRIVER_HOST)


def test_what_the_cluster_never_has_is_refused_with_what_it_has(client, session):
    refused = client.post("/sessions:check", json={"conf": _gpus(5, LABEL), "numExecutors": 2, **SMALL})
    assert refused.status_code == 409
    assert refused.json()["detail"] == (
        f"2 executors of 5 GPUs, 1 core and 896 MiB with label {LABEL} were asked for; the cluster has room for 0 of "
        f"them even when nothing else runs: it has 1 host with label {LABEL} (1 of 4 GPUs, 8 cores and 4 GiB)."
    )


def test_what_others_have_is_waited_for_and_told_and_a_killed_driver_leaves_no_application(
    client, service, cluster, session
):
    with service.client(service.plane.token("eve", "sales")) as other:
        before = {process.pid for process in service.processes()}
        waiting = start_session(other, numExecutors=1, conf=_gpus(1, LABEL), **SMALL)
        reason = until(lambda: other.get(f"/sessions/{waiting}/summary").json()["reason"])
        assert reason == (
            "Waits for executors: 0 of 1 of 1 GPU, 1 core and 896 MiB; the cluster has 0 GPUs, 6 cores and 2.25 GiB "
            f"with label {LABEL} free. Others that work there: 1 of others."
        )
        assert other.get(f"/sessions/{waiting}/log").json()["log"][-1] == reason
        java = [each for each in service.processes() if each.pid not in before and each.name() == "java"]
        for process in java:
            process.kill()
        wait_dead(other, waiting)
        dead = other.get(f"/sessions/{waiting}/summary").json()
        assert "was killed (signal 9)" in dead["reason"]
    left = until(cluster.applications, wanted=lambda applications: len(applications) == 1)
    assert [application["user"] for application in left] == ["weather__ada"]


def test_the_end_of_a_session_leaves_no_application(client, cluster, session):
    client.delete(f"/sessions/{session}")
    until(cluster.applications, wanted=lambda applications: applications == [])
    until(cluster.nodes, wanted=lambda nodes: nodes[LABELLED]["gpus"] == 0)
    until(lambda: list((cluster.folder / "staging").glob("*/.sparkStaging/*")), wanted=lambda files: files == [])
