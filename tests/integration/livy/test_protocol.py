"""Livy's routes one by one: its documented examples, names, lists, and what is left out."""

import pytest

from .service_process import finished, run, start_session

pytestmark = pytest.mark.spark

PI_IN_PYTHON = """
import random
NUM_SAMPLES = 100000
def sample(p):
  x, y = random.random(), random.random()
  return 1 if x*x + y*y < 1 else 0

count = sc.parallelize(range(0, NUM_SAMPLES)).map(sample).reduce(lambda a, b: a + b)
print("Pi is roughly %f" % (4.0 * count / NUM_SAMPLES))
"""
LEFT_OUT = [
    ("POST", "submit-job"), ("POST", "run-job"), ("POST", "upload-jar"), ("POST", "upload-pyfile"),
    ("POST", "upload-file"), ("POST", "add-jar"), ("POST", "add-pyfile"), ("POST", "add-file"), ("GET", "jobs/1"),
    ("POST", "jobs/1/cancel"),
]  # fmt: skip


@pytest.fixture(scope="module")
def session_id(service):
    """A session whose statements name their kinds."""
    with service.client() as client:
        number = start_session(client, kind="shared", name="mine", driverMemory="512m", executorMemory="512m")
        yield number
        client.delete(f"/sessions/{number}")


def test_statements_of_a_shared_session_name_their_kind(client, session_id):
    answer = client.post(f"/sessions/{session_id}/statements", json={"code": "1"})
    assert (answer.status_code, answer.json()["msg"]) == (
        400, "Code type should be specified if session kind is shared",
    )  # fmt: skip
    output = run(client, session_id, PI_IN_PYTHON, kind="pyspark")["output"]
    assert output["data"]["text/plain"].startswith("Pi is roughly 3.1")
    output = run(client, session_id, "select 4 * avg(x) as pi from values (0.78), (0.79) as t(x)", kind="sql")["output"]
    assert output["data"]["application/json"]["schema"]["fields"][0]["name"] == "pi"


def test_a_session_is_found_by_its_name(client, session_id):
    assert client.get("/sessions/mine").json()["id"] == session_id
    assert client.get("/sessions/mine/state").json() == {"id": session_id, "state": "idle"}
    answer = client.get("/sessions/nobodys")
    assert (answer.status_code, "Session 'nobodys' not found" in answer.json()["msg"]) == (404, True)


def test_a_name_is_given_once_at_a_time_for_each_owner(service, client, session_id):
    answer = client.post("/sessions", json={"kind": "pyspark", "name": "mine"})
    assert answer.status_code == 400
    assert answer.json()["msg"].startswith("Duplicate session name: mine")
    assert client.post("/sessions", json={"kind": "pyspark", "name": "12"}).status_code == 400
    with service.client(service.plane.token("eve")) as other:
        assert other.get("/sessions/mine").status_code == 404


def test_a_client_takes_a_session_up_again(client, session_id):
    assert client.post(f"/sessions/{session_id}/connect").json()["id"] == session_id


def test_lists_have_pages(client, session_id):
    listed = client.get("/sessions", params={"from": 0, "size": 1}).json()
    assert (listed["from"], listed["total"], [one["id"] for one in listed["sessions"]]) == (0, 1, [session_id])
    assert client.get("/sessions", params={"from": 1}).json()["sessions"] == []
    statements = client.get(f"/sessions/{session_id}/statements", params={"from": 1, "size": 1}).json()
    assert [one["id"] for one in statements["statements"]] == [1]
    assert statements["total_statements"] == 2
    log = client.get(f"/sessions/{session_id}/log", params={"from": 0, "size": 2}).json()
    assert (log["from"], len(log["log"])) == (0, 2)


def test_what_runs_and_what_waits_is_interrupted(client, session_id):
    path = f"/sessions/{session_id}/statements"
    body = {"code": "import time; time.sleep(120)", "kind": "pyspark"}
    numbers = [client.post(path, json=body).json()["id"] for _ in range(2)]
    assert client.post(f"/sessions/{session_id}/interrupt").json() == {"msg": "interrupted"}
    assert [finished(client, session_id, number)["state"] for number in numbers] == ["cancelled", "cancelled"]
    assert client.get(f"/sessions/{session_id}").json()["state"] == "idle"


@pytest.mark.parametrize(("method", "path"), LEFT_OUT, ids=[path for _, path in LEFT_OUT])
def test_livys_interface_for_jobs_and_files_is_left_out_in_words(client, session_id, method, path):
    answer = client.request(method, f"/sessions/{session_id}/{path}")
    assert answer.status_code == 501
    assert "use statements" in answer.json()["msg"]


@pytest.mark.parametrize("path", ["/ui", "/ui/session/3", "/metrics/ping", "/metrics"])
def test_livys_own_pages_are_left_out_in_words(client, path):
    answer = client.get(path)
    assert answer.status_code == 501
    assert answer.json()["msg"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sessions", {"kind": "sparkr"}),
        ("/sessions", {"kind": "pyspark", "jars": ["a.jar"]}),
        ("/sessions", {"kind": "pyspark", "queue": "research"}),
        ("/batches", {"file": "Resources/app.jar", "className": "org.apache.spark.examples.SparkPi"}),
    ],
)
def test_what_can_not_be_run_is_left_out_in_words(client, path, body):
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json()["title"]) == (501, "Not offered here")


def test_a_stopped_session_stays_in_the_list_with_its_log(client):
    number = start_session(client, name="short", driverMemory="512m", executorMemory="512m")
    assert client.post(f"/sessions/{number}/stop").status_code == 204
    stopped = client.get("/sessions/short").json()
    assert (stopped["id"], stopped["state"]) == (number, "killed")
    assert "stopped by its owner" in stopped["log"][-1]
    assert client.delete("/sessions/short").json() == {"msg": "deleted"}
    assert client.get(f"/sessions/{number}").status_code == 404
