from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from jupyter_client import KernelManager

from tests.integration.livy.service_process import Service, control_plane_running, make_home
from tests.waiting import until

from .scripted_livy import Script, ScriptedLivy, text

ROOT = Path(__file__).parents[3]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Notebook:
    """A running PySpark kernel; ``run`` executes a cell and returns all of its messages."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def start(self, code, **options):
        return self.client.execute(code, **options)

    def finish(self, message_id, timeout=120):
        messages = []
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            if message["msg_type"] not in ("status", "execute_input"):
                messages.append((message["msg_type"], message["content"]))
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message_id:
                break
        return Cell(messages, reply["content"])

    def complete(self, code, cursor=None, timeout=60):
        """The reply about completions at ``cursor``, without one at the end; also while a cell runs."""
        return self._reply(self.client.complete(code, cursor), timeout)

    def inspect(self, code, cursor=None, detail_level=0, timeout=60):
        """The reply about the name at ``cursor``, without one at the end; also while a cell runs."""
        return self._reply(self.client.inspect(code, cursor, detail_level), timeout)

    def completed(self, code):
        """The first reply with a completion: on a busy machine an answer that takes too long is none."""
        return until(lambda: self.complete(code), wanted=lambda reply: reply["matches"], pause_s=0.5)

    def inspected(self, code):
        """The first reply that explains the name, as above."""
        return until(lambda: self.inspect(code), wanted=lambda reply: reply["found"], pause_s=0.5)

    def wait_shown(self, text=""):
        """Returns when a cell shows something with ``text`` in it."""
        shown = {"stream", "display_data", "update_display_data"}
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["msg_type"] in shown and text in str(message["content"]):
                return

    def _reply(self, message_id, timeout):
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message_id:
                return reply["content"]

    def run(self, code, timeout=120):
        return self.finish(self.start(code), timeout)


class Cell:
    """What a cell showed."""

    def __init__(self, messages, reply):
        self.messages, self.reply = messages, reply

    def of(self, message_type):
        return [content for kind, content in self.messages if kind == message_type]

    @property
    def stdout(self):
        return "".join(content["text"] for content in self.of("stream") if content["name"] == "stdout")

    @property
    def stderr(self):
        return "".join(content["text"] for content in self.of("stream") if content["name"] == "stderr")

    @property
    def error(self):
        return COLOURS.sub("", "\n".join(self.of("error")[0]["traceback"]))


@pytest.fixture(scope="module")
def service():
    """The real session service, with a home of its own, for the tests of one file."""
    home = make_home(Path(tempfile.mkdtemp(prefix="kernel-")), "weather")
    with control_plane_running() as control_plane:
        running = Service(home, control_plane)
        try:
            yield running.start()
        finally:
            running.stop()
            shutil.rmtree(home)


@contextmanager
def kernel_running(python, folder, home, *, module="hops_kernels.pyspark", notebook=None, variables=None):
    """A kernel of the notebook server whose folder is ``folder``; its process ends with the block."""
    manager = KernelManager()
    manager.kernel_spec.argv = [str(python), "-m", module, "-f", "{connection_file}"]
    environment = {
        "PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT / "kernels"),
        "HOPS_SERVER_FOLDER": str(folder), "IPYTHONDIR": str(home / "ipython"), **(variables or {}),
    }  # fmt: skip
    if notebook is not None:
        environment["JPY_SESSION_NAME"] = str(folder.parent / notebook)
    manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield Notebook(manager, client)
    finally:
        client.stop_channels()
        if manager.is_alive():
            manager.shutdown_kernel(now=True)
        else:
            manager.cleanup_resources()  # of a kernel that was killed


def make_server_folder(folder, livy_url, token, **options):
    """A notebook server's folder, as the spawner writes it."""
    config = {
        "project": "weather", "project_title": "Weather", "user": "ada", "role": "data_owner",
        "options": {
            "allocation": "fixed", "executors": 2, "min_executors": 1, "max_executors": 2, "executor_cores": 1,
            "executor_memory_mib": 1024, "driver_memory_mib": 1024, "gpus_per_executor": 0, "gpu_label": None,
            "idle_timeout_minutes": 120, **options,
        },
        "project_folder": str(folder.parent), "start_folder": "Jupyter", "environment": "",
        "control_plane_url": "http://127.0.0.1:9/", "livy_url": livy_url,
    }  # fmt: skip
    folder.mkdir(mode=0o700)
    (folder / "server.json").write_text(json.dumps(config))
    (folder / "token.jwt").write_text(token)
    return folder


@pytest.fixture(scope="session")
def project_python():
    """Python of the base project environment."""
    home = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab"))
    python = home / "environments" / "base" / "bin" / "python"
    if not python.exists():
        pytest.fail("There is no base environment: run `make up` or `make environments` first.")
    return python


@pytest.fixture
def livy():
    with ScriptedLivy() as service:
        yield service


@pytest.fixture
def server_folder(tmp_path, livy):
    return make_server_folder(tmp_path / "server", livy.url, "first-token")


@pytest.fixture
def start_kernel(project_python, tmp_path):
    """Starts PySpark kernels; each is shut down at the end, its process with it."""
    home = tmp_path / "home"
    home.mkdir()
    with ExitStack() as kernels:
        yield lambda folder, **options: kernels.enter_context(kernel_running(project_python, folder, home, **options))


@pytest.fixture
def notebook(start_kernel, server_folder):
    return start_kernel(server_folder)


@pytest.fixture
def script():
    """Makes a scripted statement."""
    return Script


@pytest.fixture
def text_output():
    """The output of a statement that only printed."""
    return text
