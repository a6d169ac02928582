"""What the code of a session can reach of the machine: its own project, and nothing of the platform or of others."""

import json
import os
import shutil
import signal
import socket
import subprocess
from urllib.parse import urlsplit

import psutil
import pytest

from hops_contract.network import Network
from hops_contract.options import SessionBounds
from tests.waiting import until

from .service_process import NO_SANDBOX, Service, make_home, run, start_session, wait_dead

pytestmark = [pytest.mark.spark, pytest.mark.skipif(bool(NO_SANDBOX), reason=f"no sandbox: {NO_SANDBOX}")]
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}


@pytest.fixture(scope="module")
def service(control_plane, tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("sandbox"), "weather", "sales")
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets" / "key").write_text("the platform's own")
    (home / "projects" / "sales" / "Resources" / "secret.csv").write_text("the other project's own")
    service = Service(home, control_plane, {"HOPS_SANDBOX_PROCESSES": "1200"}).start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def ada(service):
    with service.client() as client:
        yield client, start_session(client, **SMALL)


@pytest.fixture(scope="module")
def eve(service):
    """A member of another project."""
    with service.client(service.plane.token("eve", "sales")) as client:
        yield client, start_session(client, **SMALL)


def told(session, code):
    """What the code prints, as JSON."""
    client, number = session
    output = run(client, number, code)["output"]
    assert output["status"] == "ok", output
    return json.loads(output["data"]["text/plain"].strip().splitlines()[-1])


READS = """
import json, os, pathlib
def look(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else pathlib.Path(path).read_text()
    except OSError as error:
        return type(error).__name__
print(json.dumps({path: look(path) for path in %r}))
"""


def test_it_sees_nothing_of_other_sessions_projects_or_the_platform(service, ada, eve):
    home, (_, of_ada) = service.home, ada
    other = home / "run" / "sessions" / str(of_ada)
    absent = [
        other / "token.jwt", other / "kernel.json", other, home / "projects" / "weather",
        home / "projects" / "weather" / "Resources", home / "secrets", home / "secrets" / "key",
        home / "run" / "session-records", home / "homes" / "weather__ada", home / "run" / "session-service.lock",
        __file__, "/etc/shadow", "/var/log", "/boot", "/run",
    ]  # fmt: skip
    seen = told(eve, READS % [str(path) for path in absent])
    assert set(seen.values()) == {"FileNotFoundError"}, seen
    assert told(eve, READS % [str(home / "projects")]) == {str(home / "projects"): ["sales"]}
    assert sorted(told(eve, READS % [str(home)])[str(home)]) == [
        "archives", "environments", "homes", "projects", "run",
    ]  # fmt: skip


def test_it_sees_its_own_project_and_token_and_may_work_there(service, eve):
    number = eve[1]
    token = service.home / "run" / "sessions" / str(number) / "token.jwt"
    secret = service.home / "projects" / "sales" / "Resources" / "secret.csv"
    seen = told(eve, READS % [str(token), str(secret)])
    assert seen == {str(token): token.read_text(), str(secret): "the other project's own"}
    code = (
        "import json, pathlib, tempfile\n"
        "spark.range(7).write.mode('overwrite').parquet('../Resources/seven')\n"
        "pathlib.Path('note.txt').write_text('kept')\n"
        "pathlib.Path('/tmp/scratch').write_text('x' * 1000)\n"
        "print(json.dumps([spark.read.parquet('../Resources/seven').count(), tempfile.gettempdir()]))"
    )
    folder = str(service.home / "run" / "sessions" / str(number) / "tmp")
    assert told(eve, code) == [7, folder]
    assert (service.home / "projects" / "sales" / "Jupyter" / "note.txt").read_text() == "kept"


WRITES = """
import json, pathlib
def change(path):
    try:
        pathlib.Path(path).write_text('mine now')
    except OSError as error:
        return type(error).__name__
    return 'changed'
print(json.dumps({path: change(path) for path in %r}))
"""


def test_it_changes_nothing_that_others_use(service, eve):
    home = service.home
    java = os.path.realpath(shutil.which("java") or "/usr/bin/env")
    places = [
        home / "environments" / "base" / "bin" / "mine", home / "environments" / "projects" / "sales" / "bin" / "mine",
        home / "archives" / "mine", home / "mine", home / "run" / "mine", home / "run" / "session-service" / "mine",
        home / "projects" / "mine", "/usr/local/bin/mine", java, "/etc/passwd", "/mine", "/dev/mine",
        "/proc/self/oom_score_adj", "/sys/fs/cgroup/mine",
    ]  # fmt: skip
    seen = told(eve, WRITES % [str(path) for path in places])
    assert "changed" not in seen.values(), seen
    # The value that it has: what is none is refused in any case.
    same = (
        "import json, pathlib\nfile = pathlib.Path('/proc/sys/vm/swappiness')\n"
        "try:\n    file.write_text(file.read_text()); print(json.dumps('changed'))\n"
        "except OSError as error:\n    print(json.dumps(type(error).__name__))"
    )
    assert told(eve, same) in ("OSError", "PermissionError")


def test_its_processes_are_all_that_it_sees_and_can_end(ada, eve):
    code = "import json, os\nprint(json.dumps([int(name) for name in os.listdir('/proc') if name.isdecimal()]))"
    inside = told(eve, code)
    assert 1 in inside
    assert len(inside) < 15
    kills = (
        "import json, os, signal\nfound = []\n"
        "for number in range(2, 5000):\n    try:\n        os.kill(number, 0); found.append(number)\n"
        "    except OSError:\n        pass\n"
        "print(json.dumps(found))"
    )
    # Threads answer to their ids as well.
    threads = told(
        eve,
        "import json, os\nprint(json.dumps([int(t) for p in os.listdir('/proc') if p.isdecimal() "
        "for t in os.listdir(f'/proc/{p}/task')]))",
    )
    assert set(told(eve, kills)) <= {*threads, *inside, *told(eve, code)}
    assert told(ada, "print(spark.range(3).count())") == 3


def test_it_has_no_rights_of_an_administrator(eve):
    code = (
        "import ctypes, json, os, subprocess\n"
        "status = open('/proc/self/status').read()\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "namespace = libc.unshare(0x10000000)\n"
        "mount = libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)\n"
        "print(json.dumps([status.partition('CapEff:')[2].split()[0], status.partition('CapBnd:')[2].split()[0], "
        "status.partition('NoNewPrivs:')[2].split()[0], namespace, mount]))"
    )
    assert told(eve, code) == ["0" * 16, "0" * 16, "1", -1, -1]


def test_executors_of_this_machine_are_in_the_sandbox_too(service):
    with service.client(service.plane.token("eve", "sales")) as client:
        session_id = start_session(client, numExecutors=2, **SMALL)
        code = (
            "import json, os\n"
            f"look = lambda _: [os.path.exists({str(service.home / 'projects' / 'weather')!r}), "
            "os.readlink('/proc/self/ns/pid'), os.environ['SPARK_EXECUTOR_ID'] if 'SPARK_EXECUTOR_ID' in os.environ "
            "else '']\n"
            "print(json.dumps([os.readlink('/proc/self/ns/pid'), sc.parallelize(range(4), 4).map(look).collect()]))"
        )
        space, tasks = told((client, session_id), code)
        assert {(task[0], task[1]) for task in tasks} == {(False, space)}
        client.delete(f"/sessions/{session_id}")


STRAY = (
    "import subprocess\n"
    "subprocess.Popen(['setsid', 'env', '-i', 'sh', '-c', 'trap \"\" TERM; while :; do sleep 987654; done'])"
)


@pytest.mark.parametrize("end", ["deleted", "driver killed", "bubblewrap killed", "Java killed"])
def test_whatever_ends_it_all_of_its_processes_end_those_too_that_shed_its_signs(service, end):
    with service.client() as client:
        session_id = start_session(client, **SMALL)
        run(client, session_id, STRAY)
        strays = until(lambda: [one for one in psutil.process_iter() if _command(one)[-1:] == ["987654"]])
        mine = [one for one in service.processes() if str(session_id) in _folder(one, service)]
        named = {
            "driver killed": [one.parent() for one in mine if one.name() == "java"],
            "bubblewrap killed": [one for one in mine if one.name() == "bwrap"],
            "Java killed": [one for one in mine if one.name() == "java"],
        }
        if end == "deleted":
            client.delete(f"/sessions/{session_id}")
        else:
            named[end][0].kill()
            wait_dead(client, session_id)
            reason = client.get(f"/sessions/{session_id}/summary").json()["reason"]
            who = "The driver's Java machine" if end == "Java killed" else "The driver"
            assert reason.startswith(f"{who} was killed (signal 9): by someone or by a program"), reason
            client.delete(f"/sessions/{session_id}")
        _, alive = psutil.wait_procs([*strays, *mine], timeout=60)
        assert alive == []
        assert not (service.home / "run" / "sessions" / str(session_id)).exists()


SAYS = """
import json, socket, urllib.error, urllib.request
def reach(url):
    try:
        return urllib.request.urlopen(url, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(getattr(error, 'reason', error)).partition('] ')[2]
print(json.dumps([reach(url) for url in %r]))
"""


@pytest.fixture
def neighbour():
    """Another service of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_it_reaches_the_control_plane_and_nothing_else_of_the_network(service, ada, eve, neighbour):
    pages = told(ada, "print(sc._jsc.sc().uiWebUrl().get().rpartition(':')[2])")
    assert pages == 4040
    metadata = "http://169.254.169.254/latest/meta-data/"
    urls = [f"{service.plane.url}.well-known/jwks.json", neighbour, f"{service.url}/health", metadata]
    closed = ["Connection refused", "Connection refused", "Network is unreachable"]
    assert told(eve, SAYS % urls) == [200, *closed]
    # What answers there is its own Spark, not ada's.
    of_eve = told(eve, "print(json.dumps(sc.applicationId))")
    assert told(ada, "import json\nprint(json.dumps(sc.applicationId))") != of_eve


def test_its_owner_sees_sparks_pages_through_the_way_that_leads_there(service, eve):
    client, number = eve
    assert told(eve, "print(spark.range(5).count())") == 5
    jobs = client.get(f"/sessions/{number}/ui/jobs/")
    assert (jobs.status_code, "Completed Jobs" in jobs.text) == (200, True)
    way = service.home / "run" / "sessions" / f"{number}.pages"
    assert way.is_socket()
    assert told(eve, READS % [str(way)]) == {str(way): "FileNotFoundError"}


def test_a_session_of_a_project_with_an_open_network_reaches_the_machines(service, neighbour, monkeypatch):
    bounds = SessionBounds(**service.plane.limits.model_dump(), network=Network.OPEN)
    monkeypatch.setattr(service.plane, "limits", bounds)
    with service.client(service.plane.token("zoe", "sales")) as client:
        session_id = start_session(client, **SMALL)
        code = f"""
import json, socket
with socket.create_connection(("127.0.0.1", {urlsplit(neighbour).port}), 20):
    print(json.dumps("connected"))
"""
        assert told((client, session_id), code) == "connected"
        client.delete(f"/sessions/{session_id}")


def test_one_that_starts_processes_without_end_is_ended_and_told_why(service):
    code = (
        "import threading, time\nthreading.stack_size(65536)\n"
        "for _ in range(1500):\n    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()\n"
    )
    if os.geteuid() != 0:
        pytest.skip("the kernel lets no more be started")
    with service.client() as client:
        session_id = start_session(client, **SMALL)
        client.post(f"/sessions/{session_id}/statements", json={"code": code}).raise_for_status()
        until(lambda: client.get(f"/sessions/{session_id}?hold=false").json()["state"] == "dead")
        reason = client.get(f"/sessions/{session_id}/summary").json()["reason"]
        assert reason.startswith("The sandbox of the session may hold 1200 processes,")
        client.delete(f"/sessions/{session_id}")
        assert not list((service.home / "run" / "sessions").glob(f"{session_id}*"))


def test_a_batch_runs_in_one_too_and_tells_how_it_ended(service):
    (service.home / "projects" / "weather" / "Resources" / "look.py").write_text(
        "import os, sys\nprint(os.getpid(), os.listdir(os.path.join(os.environ['HOPS_PROJECT_PATH'], '..')))\n"
        "sys.exit(7)\n"
    )
    with service.client() as client:
        batch = client.post("/batches", json={"file": "Resources/look.py", "driverMemory": "512m"}).json()["id"]
        until(lambda: client.get(f"/batches/{batch}").json()["state"] == "dead")
        assert "exit status 7" in client.get(f"/batches/{batch}").json()["appInfo"]["reason"]
        lines = client.get(f"/batches/{batch}/log").json()["log"]
        assert any("['weather']" in line and int(line.split()[0]) < 100 for line in lines), lines


def test_a_session_lives_on_in_its_sandbox_while_the_service_is_another_one(service):
    with service.client() as client:
        session_id = start_session(client, **SMALL)
        run(client, session_id, "kept = 42")
        service.halt(signal.SIGKILL)
        service.start()
        assert told((client, session_id), "print(kept)") == 42
        # The lock of the new service is seen, or it would end in the belief that it was deserted.
        alive = str(service.home / "run" / "session-service" / "alive")
        code = (
            "import fcntl, json\nlock = open(%r)\ntry:\n    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)\n"
            "    print('false')\nexcept BlockingIOError:\n    print('true')"
        )
        assert told((client, session_id), code % alive) is True
        client.delete(f"/sessions/{session_id}")


def test_a_service_that_must_have_sandboxes_does_not_start_without_and_says_what_helps(service):
    environment = service.variables | {"HOPS_SANDBOX": "on", "PATH": "/nowhere"}
    done = subprocess.run(
        [*service.process.args[:3], "serve"], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode != 0
    assert "HOPS_SANDBOX is on" in done.stderr
    assert "Install the package bubblewrap" in done.stderr


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _folder(process, service):
    try:
        return process.environ().get("HOPS_TOKEN_FILE", "").removeprefix(f"{service.home}/run/sessions/").split("/")
    except psutil.Error:
        return []
