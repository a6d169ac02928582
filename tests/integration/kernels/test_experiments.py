"""Experiments as a notebook runs them: through kernel and session service, on executors with GPUs of their own."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.integration.livy.service_process import Service, control_plane_running, make_home
from tests.waiting import until

from .conftest import kernel_running, make_server_folder

pytestmark = pytest.mark.spark
GPUS = 2
TRIALS = 6
EXECUTORS = f"""
import time
end = time.time() + 100
executors = lambda: sc._jsc.sc().getExecutorMemoryStatus().size() - 1
while executors() < {GPUS} and time.time() < end:
    time.sleep(0.2)
"""
DEADLINE_S = 120
PROGRESS = "application/vnd.hops.progress+json"


@pytest.fixture(scope="module")
def home():
    folder = make_home(Path(tempfile.mkdtemp(prefix="trials-")), "weather")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shared(home):
    """A folder that the test and the project's code see: their temporary folders are their own."""
    return Path(tempfile.mkdtemp(dir=home / "projects" / "weather" / "Logs"))


@pytest.fixture(scope="module")
def service(home):
    with control_plane_running() as control_plane:
        running = Service(home, control_plane, {"HOPS_GPUS": str(GPUS)})
        try:
            yield running.start()
        finally:
            running.stop()


@pytest.fixture(scope="module")
def notebook(service, project_python, tmp_path_factory):
    """A kernel whose session has two executors with one GPU each."""
    folder = make_server_folder(
        tmp_path_factory.mktemp("server") / "folder", service.url, service.plane.token(),
        executors=GPUS, gpus_per_executor=1, driver_memory_mib=768, executor_memory_mib=768,
    )  # fmt: skip
    with kernel_running(project_python, folder, tmp_path_factory.mktemp("home")) as running:
        cell = running.run("from hops import experiment", timeout=240)
        assert cell.reply["status"] == "ok", cell.messages
        # Trials may begin on the first executor alone, and be over before the machine has started the second.
        assert running.run(f"{EXECUTORS}print(executors())", timeout=240).stdout == f"{GPUS}\n"
        yield running


def summary_of(home: Path, name: str) -> dict:
    """The summary of the experiment called ``name``."""
    for path in (home / "projects" / "weather" / "Experiments").rglob(".summary.json"):
        content = json.loads(path.read_text())
        if content["name"] == name:
            return content
    raise AssertionError(f"{name} has no summary")


def test_no_two_trials_have_the_same_gpu_at_the_same_time(notebook, shared):
    cell = notebook.run(
        f"""
def trial(a):
    import os, pathlib, time
    mine = os.environ["CUDA_VISIBLE_DEVICES"]
    holder = pathlib.Path({str(shared)!r}, "gpu-" + mine.replace(",", "-"))
    holder.mkdir()  # fails where another trial holds it
    time.sleep(0.5)
    holder.rmdir()
    return {{"metric": a, "gpu": mine}}

found = experiment.grid_search(trial, {{"a": list(range({TRIALS}))}}, name="exclusive")
import json
print("FOUND", json.dumps([[trial.state.value, trial.outputs["gpu"]] for trial in found.trials]))
""",
        timeout=240,
    )
    assert cell.reply["status"] == "ok", cell.messages
    (line,) = [line for line in cell.stdout.splitlines() if line.startswith("FOUND")]
    states, gpus = zip(*json.loads(line.removeprefix("FOUND ")), strict=True)
    assert set(states) == {"FINISHED"}
    assert len(gpus) == TRIALS
    assert set(gpus) == {"0", "1"}, "both executors had trials"


def test_an_interrupt_of_the_cell_ends_its_trials_and_keeps_what_is_done(notebook, home, shared):
    message = notebook.start(
        f"""
def slow(a):
    import pathlib, time
    folder = pathlib.Path({str(shared)!r})
    (folder / f"begun-{{a}}").touch()
    if a >= 2:
        time.sleep(600)
    (folder / f"ended-{{a}}").touch()
    return a

experiment.grid_search(slow, {{"a": list(range({TRIALS}))}}, name="interrupted")
"""
    )
    until(lambda: len(list(shared.glob("begun-*"))) >= 2 + GPUS, lambda: list(shared.iterdir()), seconds=DEADLINE_S)
    notebook.manager.interrupt_kernel()
    cell = notebook.finish(message)
    assert cell.reply["status"] == "error"
    assert cell.reply["ename"] == "RemoteInterrupt"
    assert "The experiment was stopped. What is done lies in Experiments/" in cell.stderr
    shown = [message["data"] for message in cell.of("update_display_data")]
    last = [data[PROGRESS] for data in shown if PROGRESS in data][-1]  # beside the line about Spark's jobs
    assert (last["done"], last["running"], last["label"]) == (2, 0, "grid search interrupted, best metric 1")
    # Begins when the run has tidied up: cells of a session come one after the other.
    assert notebook.run("spark.range(10).count()").of("execute_result")
    summary = summary_of(home, "interrupted")
    assert summary["state"] == "KILLED"
    finished = [one for one in summary["combinations"] if one["state"] == "FINISHED"]
    assert sorted(one["parameters"]["a"] for one in finished) == [0, 1]
    again = notebook.run(
        """
found = experiment.grid_search(lambda a: a, {"a": [1, 2]}, name="after")
print("AFTER", [trial.state.value for trial in found.trials])
""",
        timeout=120,
    )
    assert "AFTER ['FINISHED', 'FINISHED']" in again.stdout, "the GPUs are free again"
