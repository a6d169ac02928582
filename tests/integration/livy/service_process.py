"""The session service as a process, a control plane that signs tokens, a home with projects."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hops_contract.options import ServerLimits
from hops_contract.sandbox import SandboxError, find_program
from tests.ports import free_port
from tests.sample_certificate import SAMPLE
from tests.waiting import until

REPOSITORY = Path(__file__).resolve().parents[3]
BASE = Path(os.environ.get("HOPS_HOME", REPOSITORY / ".hopslab")) / "environments" / "base"
ROOMY = ServerLimits(
    max_executors=1000, max_executor_cores=256, max_executor_memory_mib=2**32, max_driver_memory_mib=2**32,
    max_total_memory_mib=2**40, max_gpus=1024,
)  # fmt: skip
"""So roomy that the machine refuses first."""
REFUSAL = {
    "title": "Not logged in",
    "detail": "Your password was changed.",
    "remedy": "Start the notebook server again from the project's page.",
}
"""How the control plane refuses to renew a token."""

try:
    find_program()
    NO_SANDBOX = ""
except SandboxError as error:
    NO_SANDBOX = str(error)


@dataclass
class ControlPlane:
    """Publishes a key set and limits, hands out a certificate and renews tokens, as the control plane does."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    renewals: int = 0
    refuse_renewal: bool = False
    limits: ServerLimits = ROOMY
    roles: dict[tuple[str, str], str] = field(default_factory=dict)
    """Roles of users in projects at this moment, by project and user."""
    administrators: set[str] = field(default_factory=set)
    url: str = ""

    def token(self, user: str = "ada", project: str = "weather", *, life_s: float = 900, **claims: Any) -> str:
        now = time.time()
        content = {
            "iss": "hopslab", "aud": "hopslab", "sub": user, "iat": int(now), "nbf": int(now) - 5,
            "exp": int(now + life_s),
            "jti": uuid4().hex, "kind": "project_user", "project": project, "role": "data_owner", **claims,
        }  # fmt: skip
        return jwt.encode(
            {k: v for k, v in content.items() if v is not None}, self.key, "EdDSA", headers={"kid": "one"}
        )

    def service_token(self, name: str = "hops") -> str:
        return self.token(name, kind="service", project=None, role=None)

    def answer(self, path: str, token: str) -> dict[str, Any]:
        """What it says to the holder of ``token``; nothing of a project that they can't see."""
        claims = jwt.decode(token, options={"verify_signature": False})
        project = re.fullmatch(r"/api/v1/projects/([a-z0-9_-]+)(/sessions/limits)?", path)
        if project is None:
            return {"admin": claims["kind"] == "user" and claims["sub"] in self.administrators}
        if project[2]:
            return self.limits.model_dump(mode="json")
        return {"name": project[1], "role": self.roles.get((project[1], claims["sub"]))}

    def key_set(self) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name("EdDSA")
        return {"keys": [{**algorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": "one", "alg": "EdDSA"}]}


@contextlib.contextmanager
def control_plane_running():
    """Answers on loopback as the control plane does."""
    plane = ControlPlane()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/api/v1/"):
                self._send(200, plane.answer(self.path, self.headers["Authorization"].split()[1]))
            else:
                self._send(200, plane.key_set())

        def do_POST(self):
            if self.path.endswith("/certificate:export"):
                self._send(200, SAMPLE.on_the_wire())
                return
            if plane.refuse_renewal:
                self._send(401, REFUSAL)
                return
            plane.renewals += 1
            old = jwt.decode(self.headers["Authorization"].split()[1], options={"verify_signature": False})
            self._send(200, {"token": plane.token(old["sub"], old["project"])})

        def _send(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    plane.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield plane
    finally:
        server.shutdown()
        server.server_close()


def make_home(root: Path, *projects: str) -> Path:
    """A home with the base environment that this checkout has, and ``projects`` in it."""
    (root / "environments" / "projects").mkdir(parents=True)
    (root / "environments" / "base").symlink_to(BASE)
    archives = BASE.parent.parent / "archives"
    if archives.exists():
        (root / "archives").symlink_to(archives)
    for project in projects:
        (root / "environments" / "projects" / project).symlink_to(BASE)
        for dataset in ("Jupyter", "Resources", "Logs"):
            (root / "projects" / project / dataset).mkdir(parents=True)
    return root


@contextlib.contextmanager
def cluster_running(kind: Any, prefix: str):
    """A cluster of ``kind`` in a folder of its own; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    running = kind(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)


@dataclass
class Service:
    """The service as a process."""

    home: Path
    plane: ControlPlane
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/livy"

    def start(self) -> "Service":
        if not self.port:  # one that is started again answers at its old address
            self.port = free_port()
        command = [sys.executable, "-m", "hops_livy", "serve", "--port", str(self.port)]
        with (self.home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.variables, stdout=log, stderr=log, cwd=self.home)
        until(self._answers, "the service does not answer")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "service.log").read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", timeout=60).is_success
        return False

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "HOPS_HOME": str(self.home), "HOPS_CONTROL_PLANE_URL": self.plane.url,
            "PYTHONPATH": str(REPOSITORY), **self.environment,
        }  # fmt: skip

    def halt(self, number: int = signal.SIGTERM) -> None:
        """Ends the service; its sessions live on."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def stop(self) -> None:
        """Ends the service and its sessions."""
        self.halt()
        command = [sys.executable, "-m", "hops_livy", "end-sessions"]
        subprocess.run(command, env=self.variables, cwd=self.home, check=True, capture_output=True, timeout=120)

    def client(self, token: str | None = None) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, timeout=120, headers={"Authorization": f"Bearer {token or self.plane.token()}"}
        )

    def gate(self, project: str = "weather") -> "Gate":
        """A new gate for the statements of ``project``'s sessions, closed."""
        return Gate(self.home / "projects" / project / "Jupyter" / f"gate-{uuid4().hex}")

    def processes(self) -> list[psutil.Process]:
        """What runs for sessions of this home."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (
                    process.environ().get("HOPS_TOKEN_FILE", "").startswith(f"{self.home}/")
                    and process.status() != "zombie"
                ):
                    found.append(process)
        return found


@dataclass(frozen=True)
class Gate:
    """A file for which a statement waits: what is to happen while it runs has happened when it goes on."""

    file: Path

    def open(self) -> None:
        self.file.touch()

    @property
    def wait(self) -> str:
        """Python of a statement that waits."""
        return f"import os, time\nwhile not os.path.exists({str(self.file)!r}):\n    time.sleep(0.05)\n"

    @property
    def wait_in_scala(self) -> str:
        """As :attr:`wait`."""
        return f'while (!new java.io.File("{self.file}").exists) Thread.sleep(50)\n'


def start_session(client: httpx.Client, **options: Any) -> int:
    created = client.post("/sessions", json={"kind": "pyspark", **options})
    assert created.status_code == 201, created.text
    session_id = created.json()["id"]
    state = wait_idle(client, session_id)
    assert state["state"] == "idle", client.get(f"/sessions/{session_id}/log").text
    return session_id


def wait_idle(client: httpx.Client, session_id: int) -> dict[str, Any]:
    """The session when it neither starts nor works; the service holds each of the requests."""
    return until(
        lambda: client.get(f"/sessions/{session_id}").json(),
        wanted=lambda told: told["state"] not in {"starting", "busy"},
        seconds=180,
        pause_s=0.1,  # after a list of the sessions no request is held
    )


def wait_busy(client: httpx.Client, session_id: int) -> None:
    """Returns when a statement of the session runs; asks by the list, which no statement holds up."""

    def busy() -> bool:
        return {one["id"]: one["state"] for one in client.get("/sessions").json()["sessions"]}[session_id] == "busy"

    until(busy, seconds=180, pause_s=0.1)


def wait_dead(client: httpx.Client, session_id: int) -> None:
    """Returns when it is known that the session's driver has ended."""
    until(lambda: client.get(f"/sessions/{session_id}?hold=false").json()["state"] == "dead")


def submit(client: httpx.Client, session_id: int, code: str, **more: Any) -> int:
    """The number of a statement that is to run; it begins when the driver gets round to it."""
    created = client.post(f"/sessions/{session_id}/statements", json={"code": code, **more})
    assert created.status_code == 201, created.text
    number: int = created.json()["id"]
    return number


def wait_printed(client: httpx.Client, session_id: int, number: int, text: str) -> None:
    """Returns when a statement has printed the line ``text``."""
    with client.stream("GET", f"/sessions/{session_id}/statements/{number}/events") as answer:
        events = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        printed = ""
        for event in events:
            printed += event["content"].get("text", "")
            if f"\n{text}\n" in f"\n{printed}":
                return
    raise AssertionError(printed)


def wait_for_tasks(client: httpx.Client, session_id: int, number: int) -> None:
    """Returns when tasks of a statement's Spark jobs run."""

    def tasks_run() -> bool:
        statement = client.get(f"/sessions/{session_id}/statements/{number}?hold=false").json()
        assert statement["output"] is None, statement
        return bool((statement["spark_progress"] or {}).get("tasks_running"))

    until(tasks_run, pause_s=0.1)


def python_of(client: httpx.Client, session_id: int) -> psutil.Process:
    """The session's Python; inside of a sandbox it knows itself by another id."""
    code = "import os; print(os.readlink('/proc/self/ns/pid'), os.getpid())"
    space, number = run(client, session_id, code)["output"]["data"]["text/plain"].split()
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if str(Path(f"/proc/{process.pid}/ns/pid").readlink()) != space:
                continue
            told = Path(f"/proc/{process.pid}/status").read_text().partition("NSpid:")[2].partition("\n")[0]
            if told.split()[-1] == number:
                return process
    raise AssertionError("no process of this machine is the session's Python")


def run(client: httpx.Client, session_id: int, code: str, **more: Any) -> dict[str, Any]:
    return finished(client, session_id, submit(client, session_id, code, **more))


def finished(client: httpx.Client, session_id: int, number: int) -> dict[str, Any]:
    """A statement that has ended; the service holds each of the requests."""
    for _ in range(6):
        statement = client.get(f"/sessions/{session_id}/statements/{number}").json()
        if statement["output"] is not None:
            return statement
    raise AssertionError(statement)
