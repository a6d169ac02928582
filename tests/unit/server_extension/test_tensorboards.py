"""How many TensorBoards there are; their processes are small scripts here that report a port as the real ones do."""

from __future__ import annotations

import asyncio
import sys

import psutil
import pytest
from jupyterlab_hops import tensorboards
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.tensorboard_proxy import stays_within
from jupyterlab_hops.tensorboards import LIMIT, TensorBoards, process_environment, resolve_logdir

SCRIPT = f"""#!{sys.executable}
import json, os, time
settings = json.loads(os.environ["HOPS_TENSORBOARD"])
time.sleep(0.05)
os.write(settings["report_to"], b"6006")
os.close(settings["report_to"])
time.sleep(600)
"""


@pytest.fixture
def root(tmp_path):
    for number in range(2 * LIMIT):
        (tmp_path / "project" / f"run{number}").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def boards(tmp_path, root):
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(SCRIPT)
    python.chmod(0o700)
    running = TensorBoards(root, tmp_path / "environment", "/user/ada/weather/hops/tensorboards")
    yield running
    running.end_all()


@pytest.mark.asyncio
async def test_of_more_than_the_limit_the_one_not_looked_at_for_longest_ends(boards):
    opened = [(await boards.open(f"run{number}"))[0] for number in range(LIMIT)]
    boards.find(opened[0].id)
    newest, is_new = await boards.open(f"run{LIMIT}")
    assert is_new
    assert [board.logdir for board in boards.items()] == ["run0", *(f"run{n}" for n in range(2, LIMIT)), newest.logdir]
    assert opened[1].process.poll() is not None
    assert not psutil.pid_exists(opened[1].process.pid)


@pytest.mark.asyncio
async def test_several_that_start_at_once_keep_the_limit_too(boards):
    opened = [(await boards.open(f"run{number}"))[0] for number in range(LIMIT)]
    await asyncio.gather(*(boards.open(f"run{number}") for number in range(LIMIT, 2 * LIMIT)))
    assert len(boards.items()) == LIMIT
    assert all(board.process.poll() is not None for board in opened)


@pytest.mark.asyncio
async def test_more_than_the_limit_at_the_same_moment_are_refused(boards, root):
    (root / "one-too-many").mkdir()
    starting = [asyncio.create_task(boards.open(f"run{number}")) for number in range(LIMIT)]
    await asyncio.sleep(0)
    with pytest.raises(ProblemError, match="starting already") as refused:
        await boards.open("one-too-many")
    assert refused.value.status == 429
    await asyncio.gather(*starting)


@pytest.mark.asyncio
async def test_one_log_directory_has_one_tensorboard_by_whatever_name(boards, root):
    (root / "link").symlink_to(root / "run1")
    first, is_new = await boards.open("run1")
    again, again_new = await boards.open("./link/")
    assert (is_new, again_new) == (True, False)
    assert first is again


@pytest.mark.asyncio
async def test_one_that_reports_no_port_in_time_is_ended_and_said(boards, monkeypatch):
    monkeypatch.setattr(tensorboards, "READY_TIMEOUT_S", 0.0)
    with pytest.raises(ProblemError, match="did not start"):
        await boards.open("run1")
    assert boards.items() == []


@pytest.mark.parametrize(
    "logdir", ["", "..", "../x", "/etc", "nowhere", "file.txt", "out", "a\0b", "hdfs://x/y", "x" * 2000]
)
def test_what_is_no_directory_of_the_project_is_refused_by_name(root, logdir):
    (root / "file.txt").write_text("x")
    (root / "out").symlink_to("/etc")
    with pytest.raises(ProblemError) as refused:
        resolve_logdir(root, logdir)
    assert (refused.value.status, refused.value.body["violations"][0]["field"]) == (422, "logdir")


def test_a_process_gets_nothing_of_the_notebook_servers_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    assert process_environment(tmp_path, settings={"port": 1}, path="/usr/bin") == {
        "PATH": f"{tmp_path}/bin:/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONNOUSERSITE": "1", "HOPS_TENSORBOARD": '{"port": 1}',
    }  # fmt: skip


@pytest.mark.parametrize("location", ["", "data/runs", "/u/board/", "/u/board", "/u/board/a?b=c#d", "./x"])
def test_a_redirection_within_a_board_is_told(location):
    assert stays_within(location, "/u/board/")


@pytest.mark.parametrize(
    "location",
    [
        "http://evil.test/",
        "//evil.test/u/board/",
        "///evil.test/u/board/",
        "http:evil",
        "javascript:alert(1)",
        "http://127.0.0.1:8001/u/board/",
        "/hub/logout",
        "/u/boards/",
        "../../hub/logout",
        "/u/board/../../hub",
        "/u/board/%2e%2e/x",
        "/u/board/..%2f..%2fhub",
        "/\\evil.test",
        "/%5cevil.test",
        "/u/board/.\t./x",
        "http://[evil",
    ],
)
def test_a_redirection_that_leads_out_of_a_board_is_not_told(location):
    assert not stays_within(location, "/u/board/")
