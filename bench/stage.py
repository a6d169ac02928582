"""What the session benchmarks stand on: the session service, a notebook server, kernels through its REST and sockets.

The service comes from its own test fixtures; the notebook server is a Jupyter server with the files that the spawner
writes. Beside our kernel it offers ``stock``: sparkmagic's own PySpark kernel, unmodified, told of any Livy.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import psutil
from driver_start import load_service
from lab_server import EXTENSION
from pydantic import SecretStr
from websockets.sync.client import ClientConnection, connect

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from hops_spawner.environment import server_environment
from hops_spawner.files import FOLDERS, server_files
from hops_spawner.folder import write_folder
from tests.ports import free_port
from tests.sample_certificate import SAMPLE

ROOT = Path(__file__).resolve().parents[1]
JUPYTER_TOKEN = "benchmark"  # noqa: S105 - of a server that ends with the benchmark
TOKEN_LIFE_S = 24 * 3600
PATIENCE_S = 240
SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
COUNT = "spark.range(10**6).count()"
COUNTED = "1000000"


@dataclass
class Stage:
    """A running session service with a project."""

    fixtures: Any
    home: Path
    service: Any

    @property
    def python(self) -> Path:
        """Python of the project environment."""
        return self.fixtures.BASE / "bin" / "python"

    def token(self, user: str = "ada") -> str:
        """A project-user's token that outlives the benchmark."""
        return self.service.plane.token(user, life_s=TOKEN_LIFE_S)

    def client(self, user: str = "ada") -> httpx.Client:
        """The service for one project-user."""
        return self.service.client(self.token(user))


@contextlib.contextmanager
def session_service(**environment: str) -> Iterator[Stage]:
    """Runs the service in a home of its own; nothing of it is left at the end, also when the benchmark is stopped."""
    signal.signal(signal.SIGTERM, _stop)
    fixtures = load_service()
    home = fixtures.make_home(Path(tempfile.mkdtemp(prefix="bench-")), "weather")
    with fixtures.control_plane_running() as plane:
        service = fixtures.Service(home, plane, environment)
        stage = Stage(fixtures, home, service)
        try:
            service.start()
            yield stage
        finally:
            service.stop()
            for process in service.processes():  # those of a service that was killed, or that survive it on purpose
                with contextlib.suppress(psutil.Error):
                    process.kill()
            shutil.rmtree(home, ignore_errors=True)


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the cleaning up
    sys.exit("The benchmark was stopped.")


def options(**changed: Any) -> ServerOptions:
    """One small executor and a small driver, unless ``changed``."""
    return ServerOptions(**{"executors": 1, "executor_memory_mib": 1024, "driver_memory_mib": 1024, **changed})


@dataclass
class NotebookServer:
    """A Jupyter server of one project-user, which may end and be started again at its old address."""

    url: str
    command: list[str]
    environment: dict[str, str]
    home: Path
    log: Path
    folder: Path
    process: subprocess.Popen[bytes] = field(init=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"token {JUPYTER_TOKEN}"}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S, trust_env=False)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(self.command, env=self.environment, cwd=self.home, stdout=sink, stderr=sink)
        _wait_for_server(self, self.log)

    def kill(self) -> None:
        """Ends it and its kernels with SIGKILL, as a machine does whose memory runs out."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """All that live of it, its kernels too, also of servers that were killed."""
        mine = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("HOPS_SERVER_FOLDER") == str(self.folder):
                    mine.append(process)
        return mine

    def open_notebook(self, name: str, kernel: str) -> Kernel:
        """Starts a kernel for a notebook, as Lab does, and connects to it."""
        body = {"path": name, "name": PurePosixPath(name).name, "type": "notebook", "kernel": {"name": kernel}}
        made = self.http.post("/api/sessions", json=body).raise_for_status().json()
        return Kernel(self, made["id"], made["kernel"]["id"])

    def spare(self) -> psutil.Process | None:
        """The kernel process that it keeps ready, if it does."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if "hops_kernels.spare" in child.cmdline() and child.num_threads() > 0 and _waits_for_an_order(child):
                    return child
        return None


def _waits_for_an_order(process: psutil.Process) -> bool:
    # A pipe for orders, and no socket: a spare that has become a kernel has closed the one and opened the others.
    return Path(f"/proc/{process.pid}/fd/0").readlink().name.startswith("pipe:")


def packed(channel: str, *parts: dict[str, Any]) -> bytes:
    """A message as JupyterLab frames it: how many offsets, the offsets, the channel, the parts; 8 bytes a number."""
    frames = [channel.encode(), *(json.dumps(part).encode() for part in parts)]
    offsets = [8 * (len(frames) + 2)]
    for frame in frames:
        offsets.append(offsets[-1] + len(frame))
    numbers = [len(offsets), *offsets]
    return b"".join([*(number.to_bytes(8, "little") for number in numbers), *frames])


def unpacked(message: bytes) -> list[dict[str, Any]]:
    """Header, parent, metadata and content of a message that is framed so."""
    count = int.from_bytes(message[:8], "little")
    offsets = [int.from_bytes(message[8 * at : 8 * at + 8], "little") for at in range(1, count + 1)]
    return [json.loads(message[offsets[at] : offsets[at + 1]]) for at in range(1, 5)]


class Kernel:
    """A notebook's kernel, spoken to over the notebook server's WebSocket."""

    def __init__(self, server: NotebookServer, session_id: str, kernel_id: str) -> None:
        self.kernel_id = kernel_id
        self._server, self._session_id, self._name = server, session_id, uuid.uuid4().hex
        self._socket: ClientConnection
        self.connect()

    def connect(self) -> None:
        """Connects to it, as a tab does that is opened."""
        channels = f"api/kernels/{self.kernel_id}/channels?session_id={self._name}"
        self._socket = connect(
            f"{self._server.url.replace('http', 'ws', 1)}/{channels}",
            additional_headers={"Authorization": f"token {JUPYTER_TOKEN}"},
            max_size=None,
            open_timeout=PATIENCE_S,
            subprotocols=[SUBPROTOCOL],
            proxy=None,
        )

    def disconnect(self) -> None:
        """Lets go of it, as a tab does that is closed; the kernel goes on."""
        self._socket.close()

    def ask(
        self,
        kind: str,
        content: dict[str, Any],
        *,
        patience_s: float = PATIENCE_S,
        heard: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> tuple[dict[str, Any], list[tuple[float, str, dict[str, Any]]]]:
        """The reply's content, and the outputs with their moments; returns when reply and idle have come.

        Args:
            kind: Type of the request.
            content: Its content.
            patience_s: So long is waited.
            heard: Told of each output as it comes.
        """
        identifier = uuid.uuid4().hex
        header = {"msg_id": identifier, "msg_type": kind, "session": self._name, "username": "", "version": "5.4"}
        self._socket.send(packed("shell", header, {}, {}, content))
        reply, outputs, idle = None, [], False
        deadline = time.monotonic() + patience_s
        while reply is None or not idle:
            answer = self._socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            header, parent, _metadata, answer_content = unpacked(answer)
            if parent.get("msg_id") != identifier:
                continue
            answer_kind = header["msg_type"]
            if answer_kind.endswith("_reply"):
                reply = answer_content
            elif answer_kind == "status":
                idle = answer_content["execution_state"] == "idle"
            else:
                outputs.append((time.perf_counter(), answer_kind, answer_content))
                if heard is not None:
                    heard(answer_kind, answer_content)
        return reply, outputs

    def wait_ready(self) -> None:
        """Waits until the kernel answers, as Lab does before it runs a cell."""
        self.ask("kernel_info_request", {})

    def run(self, code: str, *, patience_s: float = PATIENCE_S) -> list[tuple[float, str, dict[str, Any]]]:
        """Runs a cell and returns what it showed.

        Args:
            code: The cell.
            patience_s: So long is waited.

        Raises:
            RuntimeError: It failed.
        """
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        reply, outputs = self.ask("execute_request", content, patience_s=patience_s)
        if reply["status"] != "ok":
            raise RuntimeError(f"{code!r} failed: {reply}")
        return outputs

    def complete(self, code: str) -> list[str]:
        """Completions at the end of ``code``."""
        reply, _outputs = self.ask("complete_request", {"code": code, "cursor_pos": len(code)})
        return list(reply["matches"])

    def close(self) -> None:
        """Closes the notebook and shuts its kernel down."""
        self._socket.close()
        self._server.http.delete(f"/api/sessions/{self._session_id}")


@contextlib.contextmanager
def notebook_server(
    stage: Stage,
    *,
    chosen: ServerOptions | None = None,
    stock_livy: str | None = None,
    user: str = "ada",
    lab: bool = False,
    temporary: Path | None = None,
) -> Iterator[NotebookServer]:
    """Runs a notebook server as the spawner would start it.

    Args:
        stage: The service that its kernels use.
        chosen: Its options.
        stock_livy: Also offer the kernel ``stock``, which uses the Livy at this address.
        user: Whose server it is.
        lab: Whether it is JupyterLab with the extension, for a browser.
        temporary: Where it and its kernels put temporary files.
    """
    place = Path(tempfile.mkdtemp(prefix="nb-"))
    folder, home = place / "server", place / "home"
    home.mkdir()
    config = ServerConfig(
        project="weather", project_title="Weather", user=user, role=ProjectRole.DATA_OWNER,
        options=chosen or options(), project_folder=str(stage.home / "projects" / "weather"),
        environment=str(stage.python.parents[1]), control_plane_url=stage.service.plane.url,
        livy_url=stage.service.url,
    )  # fmt: skip
    grant = ServerGrant(config=config, token=SecretStr(stage.token(user)), certificate=SAMPLE, display_name="Weather")
    files = server_files(grant)
    if stock_livy is not None:
        files |= _stock_files(stage, folder, home, stock_livy, chosen or options(), stage.token(user))
    write_folder(folder, files, FOLDERS)
    port = free_port()
    environment = server_environment({}, config, PurePosixPath(folder), home=PurePosixPath(home))
    environment |= {"JUPYTER_TOKEN": JUPYTER_TOKEN, "PYTHONPATH": f"{ROOT / 'kernels'}:{ROOT / 'server_extension'}"}
    if temporary is not None:
        environment["TMPDIR"] = str(temporary)
    command = [
        sys.executable, "-m", "jupyterlab" if lab else "jupyter_server", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.allow_root=True", "--ServerApp.open_browser=False",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={config.project_folder}",
    ]  # fmt: skip
    if lab:
        (place / "labextensions").mkdir()
        (place / "labextensions" / "jupyterlab-hops").symlink_to(EXTENSION)
        command.append(f"--LabApp.labextensions_path={place / 'labextensions'}")
    server = NotebookServer(f"http://127.0.0.1:{port}", command, environment, home, place / "server.log", folder)
    try:
        server.start()
        yield server
    except BaseException:
        print(server.log.read_text(errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        _end_family(server.process)
        server.http.close()
        shutil.rmtree(place, ignore_errors=True)


def _stock_files(  # noqa: PLR0917
    stage: Stage, folder: Path, home: Path, livy: str, chosen: ServerOptions, token: str
) -> dict[str, bytes]:
    """The kernel ``stock`` and sparkmagic's configuration for it; all else of sparkmagic is as it comes."""
    none = {"username": "", "password": "", "auth": "None"}
    settings = {
        "kernel_python_credentials": {**none, "url": livy},
        "custom_headers": {"Authorization": f"Bearer {token}"},
        "session_configs": {
            "driverMemory": f"{chosen.driver_memory_mib}m", "executorMemory": f"{chosen.executor_memory_mib}m",
            "executorCores": chosen.executor_cores, "numExecutors": chosen.executors,
        },
        "livy_session_startup_timeout_seconds": PATIENCE_S,
    }  # fmt: skip
    spec = {
        "argv": [str(stage.python), "-m", "sparkmagic.kernels.pysparkkernel.pysparkkernel", "-f", "{connection_file}"],
        "display_name": "Stock", "language": "python",
        "env": {"SPARKMAGIC_CONF_DIR": str(folder / "sparkmagic"), "SPARKMAGIC_CONF_FILE": "config.json"},
    }  # fmt: skip
    jupyter = {"KernelSpecManager": {"allowed_kernelspecs": ["pyspark", "python3", "stock"]}}
    (home / ".sparkmagic").mkdir()
    return {
        "kernels/stock/kernel.json": json.dumps(spec).encode(),
        "sparkmagic/config.json": json.dumps(settings).encode(),
        "config/jupyter_server_config.d/stock.json": json.dumps(jupyter).encode(),
    }


def _wait_for_server(server: NotebookServer, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if server.http.get("/api/status").status_code == httpx.codes.OK:
                return
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The notebook server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _end_family(process: subprocess.Popen[bytes]) -> None:
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    for one in family:
        with contextlib.suppress(psutil.Error):
            one.kill()
    if process.poll() is None:
        process.kill()
        process.wait()
    psutil.wait_procs(family, timeout=20)


def wait_for(condition: Callable[[], Any], *, patience_s: float, step_s: float = 0.2) -> Any:
    """What ``condition`` answers as soon as that is something; else its last answer when patience ends."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(step_s)
    return found


def milliseconds(call: Callable[[], Any], rounds: int, *, first: int = 3) -> list[float]:
    """How long ``call`` takes, ``rounds`` times after ``first`` that do not count."""
    taken = []
    for number in range(first + rounds):
        began = time.perf_counter()
        call()
        if number >= first:
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def described(figures: list[float], unit: str) -> str:
    """Median, least and most."""
    middle = statistics.median(figures)
    return f"median {middle:.2f} {unit}, {min(figures):.2f} to {max(figures):.2f} ({len(figures)} rounds)"


def load() -> str:
    """How busy the machine is, for whoever reads the figures."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
