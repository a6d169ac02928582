"""A spare of the notebook server, in the project environment, that becomes the kernel of a notebook."""

from __future__ import annotations

import subprocess

import pytest
from jupyter_client import KernelManager
from jupyterlab_hops.kernel_processes import KernelProcesses
from jupyterlab_hops.kernel_sockets import PrivateKernelManager
from jupyterlab_hops.spare_kernel import SpareKernel

from .conftest import ROOT, Notebook


class ManagerWithSpare(KernelManager):
    """Starts kernels as a notebook server does, without its event loop."""

    spare = SpareKernel()
    processes = KernelProcesses()
    _async_launch_kernel = PrivateKernelManager._async_launch_kernel
    _launch = PrivateKernelManager._launch


@pytest.fixture
def spared(project_python, server_folder, tmp_path):
    """A PySpark kernel that was a spare before, its process id and its folder."""
    environment = {
        "PATH": f"{project_python.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "kernels"),
        "HOPS_SERVER_FOLDER": str(server_folder), "IPYTHONDIR": str(tmp_path / "ipython"),
    }  # fmt: skip
    manager = ManagerWithSpare(connection_file=str(tmp_path / "kernel-0123.json"))
    manager.kernel_spec.argv = [str(project_python), "-P", "-m", "hops_kernels.pyspark", "-f", "{connection_file}"]
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    spare = ManagerWithSpare.spare
    spare.prepare(manager.kernel_spec.argv, environment=environment, folder=server_folder)
    pid = spare.pid
    manager.start_kernel(env=environment | {"JPY_SESSION_NAME": "a.ipynb"}, cwd=str(notebooks))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=90)
        yield Notebook(manager, client), pid, notebooks
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        spare.end()


def test_it_has_the_notebooks_folder_and_name_and_runs_cells(spared, livy):
    notebook, pid, folder = spared
    cell = notebook.run("%%local\nimport os\nprint(os.getpid(), os.getcwd(), os.environ['JPY_SESSION_NAME'])")
    assert cell.stdout.split() == [str(pid), str(folder), "a.ipynb"]
    assert notebook.run("1").reply["status"] == "ok"
    assert livy.posted[0]["name"].startswith("pyspark-0123-")  # by its kernel's id Lab finds the session's notebook
    # What the light import left out comes when it is asked for.
    cell = notebook.run("%%local\nimport ipywidgets, numpy\nprint(ipywidgets.FloatProgress.__name__, numpy.ones(1)[0])")
    assert cell.stdout == "FloatProgress 1.0\n"


def test_a_spare_ends_when_its_server_is_gone(project_python, server_folder, tmp_path):
    process = subprocess.Popen(
        [project_python, "-P", "-m", "hops_kernels.spare"], stdin=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT / "kernels"), "HOME": str(tmp_path), "HOPS_SERVER_FOLDER": str(server_folder)},
    )  # fmt: skip
    process.stdin.close()
    assert process.wait(60) == 0
