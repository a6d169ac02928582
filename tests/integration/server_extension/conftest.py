from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from hops_spawner.files import AUTHORIZER, CONTENTS, EXTENSIONS
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[3]
TOKEN = "jupyter-token"
ME = ("GET", "/services/hops/api/v1/me")


def me(role, *, user="ada", project="weather", kind="project_user"):
    """What the control plane says of who asks."""
    return 200, {"kind": kind, "name": user, "project": project, "memberships": [{"project": project, "role": role}]}


def make_token(issued, expires, name="t"):
    """A token that nobody verifies here."""
    claims = json.dumps({"iat": issued, "exp": expires, "jti": name}).encode()
    return "e30." + base64.urlsafe_b64encode(claims).rstrip(b"=").decode() + ".c2ln"


class Platform:
    """A control plane and session service that answer from a table and remember who asked what.

    An answer is a status, a body (JSON, or bytes as they are) and, if need be, headers.
    """

    def __init__(self):
        self.answers = {}
        self.calls = []
        self.bodies = []
        self.headers = {}
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def _serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if body:
                    platform.bodies.append(json.loads(body))
                platform.calls.append((self.command, self.path, self.headers.get("Authorization")))
                platform.headers = dict(self.headers)
                known = {ME: me("data_owner")} | platform.answers
                status, body, *headers = known.get(
                    (self.command, self.path), (404, {"title": "Not found", "detail": "no"})
                )
                if callable(body):
                    body = body()
                content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
                more = headers[0] if headers else {}
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(content))} | more).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return self._serve
                raise AttributeError(name)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class NotebookServer:
    """A real Jupyter server with the extension."""

    def __init__(self, folder, home, extensions=EXTENSIONS):
        port = free_port()
        self.base = "/user/ada/weather"
        self.url = f"http://127.0.0.1:{port}{self.base}"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "JUPYTER_TOKEN": TOKEN,
            "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "PYTHONPATH": str(ROOT / "server_extension"), "LANG": "C.UTF-8",
        }  # fmt: skip
        if folder is not None:
            environment["HOPS_SERVER_FOLDER"] = environment["JUPYTER_PATH"] = str(folder)
        (home / "config").mkdir()
        settings = {
            "ServerApp": {
                "jpserver_extensions": extensions, "authorizer_class": AUTHORIZER, "contents_manager_class": CONTENTS,
            },
            "FileContentsManager": {"delete_to_trash": False},
        }  # fmt: skip
        (home / "config" / "jupyter_server_config.json").write_text(json.dumps(settings))
        self.root = home
        self.log = (home / "server.log").open("w")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter_server", f"--ServerApp.port={port}",
                f"--ServerApp.base_url={self.base}/", "--ServerApp.ip=127.0.0.1",
                "--ServerApp.open_browser=False", "--ServerApp.allow_root=True",
                f"--ServerApp.root_dir={home}", "--ServerApp.port_retries=0",
            ],
            env=environment, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        self.stranger = httpx.Client(base_url=self.url, timeout=90, trust_env=False)
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=90, trust_env=False
        )
        until(lambda: self._answers() or self.process.poll() is not None, "the server does not start", seconds=120)
        if self.process.poll() is not None:
            self.close()
            raise AssertionError((home / "server.log").read_text())

    def _answers(self):
        try:
            return self.client.get("/api").is_success
        except httpx.TransportError:
            return False

    def close(self):
        self.client.close()
        self.stranger.close()
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


@pytest.fixture(scope="session")
def project_environment():
    """The base project environment."""
    environment = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab")) / "environments" / "base"
    if not (environment / "bin" / "python").exists():
        pytest.fail("There is no base environment: run `make up` first.")
    return environment


@pytest.fixture(scope="module")
def shared_platform():
    platform = Platform()
    yield platform
    platform.close()


@pytest.fixture
def platform(shared_platform):
    """A control plane and session service without answers."""
    shared_platform.answers.clear()
    shared_platform.calls.clear()
    shared_platform.bodies.clear()
    return shared_platform


@pytest.fixture(scope="module")
def project_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("projects") / "project"
    (folder / "Experiments").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def token():
    return make_token(time.time(), time.time() + 900)


@pytest.fixture(scope="module")
def make_folder(tmp_path_factory, shared_platform, project_folder, project_environment, token):
    """Makes folders of notebook servers."""

    def make(*, token=token, **changes):
        folder = tmp_path_factory.mktemp("server") / "folder"
        folder.mkdir(mode=0o700)
        config = {
            "project": "weather", "project_title": "Weather of the coast", "user": "ada", "role": "data_owner",
            "options": {"executors": 1}, "project_folder": str(project_folder), "start_folder": "Jupyter",
            "environment": str(project_environment), "control_plane_url": f"{shared_platform.url}/services/hops/",
            "livy_url": f"{shared_platform.url}/services/livy", **changes,
        }  # fmt: skip
        (folder / "server.json").write_text(json.dumps(config))
        (folder / "token.jwt").write_text(token)
        return folder

    return make


@pytest.fixture(scope="module")
def start_server(tmp_path_factory):
    """Starts notebook servers; they end with the tests of the file."""
    with ExitStack() as servers:

        def start(folder, **options):
            return servers.enter_context(closing(NotebookServer(folder, tmp_path_factory.mktemp("home"), **options)))

        yield start


@pytest.fixture(scope="module")
def server_folder(make_folder):
    """The folder of ``server``."""
    return make_folder()


@pytest.fixture(scope="module")
def server(start_server, server_folder):
    """One server for all tests of a file that leave it as it was."""
    return start_server(server_folder)


@pytest.fixture(scope="module")
def two_runs(project_folder, project_environment):
    """Events of two runs, written with TensorBoard's own writer."""
    program = (
        "import sys, time, types\n"
        # Writing events needs no TensorFlow, whose import takes ten seconds; this is how TensorBoard is told.
        "sys.modules['tensorboard.compat.notf'] = types.ModuleType('notf')\n"
        "from tensorboard.compat.proto.event_pb2 import Event\n"
        "from tensorboard.compat.proto.summary_pb2 import Summary\n"
        "from tensorboard.summary.writer.event_file_writer import EventFileWriter\n"
        "for run in ('run1', 'run2'):\n"
        "    writer = EventFileWriter(sys.argv[1] + '/' + run)\n"
        "    value = Summary.Value(tag='accuracy', simple_value=0.5)\n"
        "    writer.add_event(Event(wall_time=time.time(), step=1, summary=Summary(value=[value])))\n"
        "    writer.close()\n"
    )
    logdir = project_folder / "Experiments" / "grid"
    logdir.mkdir()
    subprocess.run([project_environment / "bin" / "python", "-c", program, str(logdir)], check=True, timeout=240)
    return "Experiments/grid"
