from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from jupyter_client import KernelManager

ROOT = Path(__file__).parents[3]


def _load(name):
    spec = importlib.util.spec_from_file_location(f"kernel_tests_{name}", Path(__file__).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


scripted_livy = _load("scripted_livy")


class Notebook:
    """A running PySpark kernel; ``run`` executes a cell and returns all of its messages."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def start(self, code):
        return self.client.execute(code)

    def finish(self, message_id, timeout=60):
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

    def run(self, code, timeout=60):
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
        return "\n".join(self.of("error")[0]["traceback"])


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
    with scripted_livy.ScriptedLivy() as service:
        yield service


@pytest.fixture
def server_folder(tmp_path, livy):
    """A notebook server's folder, as the spawner writes it."""
    config = {
        "project": "weather", "project_title": "Weather", "user": "ada", "role": "data_owner",
        "options": {
            "allocation": "fixed", "executors": 2, "min_executors": 1, "max_executors": 2, "executor_cores": 1,
            "executor_memory_mib": 1024, "driver_memory_mib": 1024, "gpus_per_executor": 0, "gpu_label": None,
            "idle_timeout_minutes": 120,
        },
        "project_folder": str(tmp_path), "start_folder": "Jupyter", "environment": "", "control_plane_url": "http://127.0.0.1:9/",
        "livy_url": livy.url,
    }  # fmt: skip
    folder = tmp_path / "server"
    folder.mkdir(mode=0o700)
    (folder / "server.json").write_text(json.dumps(config))
    (folder / "token.jwt").write_text("first-token")
    return folder


@pytest.fixture
def start_kernel(project_python, tmp_path):
    """Starts PySpark kernels; each is shut down at the end, its process with it."""
    notebooks = []

    def start(folder):
        manager = KernelManager()
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        manager.kernel_spec.argv = [str(project_python), "-m", "hops_kernels.pyspark", "-f", "{connection_file}"]
        environment = {
            "PATH": f"{project_python.parent}:/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT / "kernels"),
            "HOPS_SERVER_FOLDER": str(folder), "IPYTHONDIR": str(tmp_path / "ipython"),
        }  # fmt: skip
        manager.start_kernel(env=environment)
        client = manager.client()
        client.start_channels()
        notebooks.append(Notebook(manager, client))
        client.wait_for_ready(timeout=60)
        return notebooks[-1]

    yield start
    for notebook in notebooks:
        notebook.client.stop_channels()
        if notebook.manager.is_alive():
            notebook.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(start_kernel, server_folder):
    return start_kernel(server_folder)


@pytest.fixture
def script():
    """Makes a scripted statement."""
    return scripted_livy.Script


@pytest.fixture
def text_output():
    """The output of a statement that only printed."""
    return scripted_livy.text
