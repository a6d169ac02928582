"""The kernel beside PySpark: plain Python of the project environment, as the notebook server offers it."""

from __future__ import annotations

import json

import pytest
from jupyter_client import KernelManager
from pydantic import SecretStr

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from hops_spawner.files import server_files
from tests.sample_certificate import SAMPLE

from .conftest import Notebook


@pytest.fixture
def python_notebook(project_python, tmp_path):
    config = ServerConfig(
        project="weather", project_title="Weather", user="ada", role=ProjectRole.DATA_SCIENTIST,
        options=ServerOptions(), project_folder=str(tmp_path), environment=str(project_python.parent.parent),
        control_plane_url="http://127.0.0.1:9/", livy_url="http://127.0.0.1:9",
    )  # fmt: skip
    files = server_files(
        ServerGrant(config=config, token=SecretStr("a.b.c"), certificate=SAMPLE, display_name="Weather")
    )
    manager = KernelManager()
    manager.kernel_spec.argv = json.loads(files["kernels/python3/kernel.json"])["argv"]
    manager.start_kernel(env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Notebook(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_the_library_is_there_with_all_its_parts(python_notebook):
    cell = python_notebook.run("from hops import experiment, hdfs, tensorboard\nimport hops\nprint(hops.__version__)")
    assert cell.reply["status"] == "ok", cell.messages
    assert cell.stdout.strip()


def test_what_needs_a_session_says_so(python_notebook):
    cell = python_notebook.run("from hops import experiment\nexperiment.launch(print, {'a': [1, 2]})")
    assert cell.reply["status"] == "error"
    assert "Spark" in cell.error
