"""Sessions that are started ahead: at once there for their owner, for nobody else, and never in anybody's way."""

import pytest

from hops_contract.options import ServerLimits
from tests.waiting import until

from .service_process import Service, control_plane_running, make_home, run, wait_idle

pytestmark = pytest.mark.spark
OPTIONS = {"driver_memory_mib": 512, "executor_memory_mib": 512}
SAME = {"driverMemory": "512m", "executorMemory": "512m", "executorCores": 1, "numExecutors": 1}
ENVIRONMENT = {"HOPS_WARM_LEAVES_MIB": "0", "HOPS_SESSIONS_PER_OWNER": "1"}


@pytest.fixture(scope="module")
def plane():
    with control_plane_running() as plane:
        yield plane


@pytest.fixture
def service(tmp_path_factory, plane):
    running = Service(make_home(tmp_path_factory.mktemp("home"), "weather"), plane, dict(ENVIRONMENT)).start()
    try:
        yield running
    finally:
        running.stop()
        assert running.processes() == []


@pytest.fixture
def client(service):
    with service.client() as client:
        yield client


def warm(client, *, state="ready", **options):

    def asked():
        answer = client.post("/sessions:warm", json={"options": {**OPTIONS, **options}})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return until(asked, wanted=lambda answer: answer["state"] == state, seconds=180, pause_s=0.2)


def test_a_session_that_was_kept_ready_is_its_owners_at_once_and_like_any_other(service, client):
    warm(client)
    assert client.get("/sessions").json()["total"] == 0
    with service.client(service.plane.token("grace")) as grace:
        other = grace.post("/sessions", json=SAME).json()
        assert other["state"] == "starting", "what is ready is not hers"
        grace.delete(f"/sessions/{other['id']}")
    created = client.post("/sessions", json={**SAME, "name": "mine", "ttl": "2h", "kind": "pyspark"}).json()
    assert (created["state"], created["name"], created["owner"]) == ("idle", "mine", "weather__ada")
    first = run(client, created["id"], "spark.range(10**6).count()")
    assert (first["id"], first["output"]["data"]["text/plain"]) == (0, "1000000")
    code = "import os; print(os.environ['HOPS_PROJECT_USER'], open(os.environ['HOPS_TOKEN_FILE']).read())"
    told = run(client, created["id"], code)["output"]["data"]["text/plain"]
    assert told.split() == ["weather__ada", client.headers["Authorization"].split()[1]]
    service.halt()
    service.start()
    assert client.get(f"/sessions/{created['id']}/summary").json()["idle_timeout_s"] == 2 * 3600
    client.delete(f"/sessions/{created['id']}")


def test_other_resources_or_settings_get_a_session_of_their_own(client):
    warm(client)
    for different in ({"executorMemory": "600m"}, {"conf": {"spark.sql.shuffle.partitions": "3"}}):
        created = client.post("/sessions", json={**SAME, **different}).json()
        assert created["state"] == "starting"
        client.delete(f"/sessions/{created['id']}")
    assert client.post("/sessions", json=SAME).json()["state"] == "idle"


def test_a_warm_session_outlives_the_service_and_ends_with_its_owners_membership(service, client):
    warm(client)
    service.halt()
    service.start()
    assert client.post("/sessions:warm", json={"options": OPTIONS}).json()["state"] == "ready"
    with service.client(service.plane.service_token()) as control_plane:
        control_plane.delete("/owners/weather__ada")
    assert service.processes() == []
    assert client.post("/sessions:warm", json={"options": OPTIONS}).status_code == 401


def test_who_needs_the_memory_gets_it(service, client):
    service.stop()
    service.environment["HOPS_MEMORY_MIB"] = "2000"
    service.start()
    warm(client)
    with service.client(service.plane.token("grace")) as grace:
        created = grace.post("/sessions", json={**SAME, "driverMemory": "1g"}).json()
        assert wait_idle(grace, created["id"])["state"] == "idle"
        assert warm(client, state="none")["reason"].startswith("1 GiB of memory were asked for")


def test_none_is_kept_where_there_is_no_room_or_gpus_would_be_held(service, client):
    assert "GPUs are not held" in warm(client, state="none", gpus_per_executor=1)["reason"]
    service.stop()
    service.environment["HOPS_WARM_LEAVES_MIB"] = "100000000"
    service.start()
    assert "are left to sessions that are asked for" in warm(client, state="none")["reason"]
    service.stop()
    service.environment["HOPS_WARM_SESSIONS"] = "0"
    service.start()
    assert "0 sessions are kept ready" in warm(client, state="none")["reason"]
    assert service.processes() == []


def test_what_may_not_be_had_is_refused_ahead_as_well(client, plane, monkeypatch):
    monkeypatch.setattr(plane, "limits", ServerLimits(max_executors=2))
    refused = client.post("/sessions:warm", json={"options": {**OPTIONS, "executors": 3}})
    assert (refused.status_code, "the project may use" in refused.json()["detail"]) == (400, True)
