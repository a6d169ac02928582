from __future__ import annotations

import asyncio
import json
import sys

import psutil
import pytest
from jupyterlab_hops import spare_kernel
from jupyterlab_hops.spare_kernel import REFILL_S, UNUSED_S, SpareKernel, keep_ready, order_for, spare_command


@pytest.fixture
def command(tmp_path):
    """Starts a "kernel" whose spare writes its order into a file. The module's name is what a spare is known by."""
    package = tmp_path / "modules" / "hops_kernels"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "spare.py").write_text(
        f"import sys\nline = sys.stdin.readline()\nopen({str(tmp_path / 'order')!r}, 'w').write(line)\n"
    )
    return [sys.executable, "-m", "hops_kernels.pyspark", "-f", "kernel-1.json"]


@pytest.fixture
def environment(tmp_path):
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path / "modules"), "JPY_SESSION_NAME": "old.ipynb"}


@pytest.fixture
def spare(command, environment, tmp_path):
    kept = SpareKernel()
    kept.prepare(command, environment=environment, folder=tmp_path)
    yield kept
    kept.end()


def test_the_spare_of_a_command_is_the_same_command_with_another_module():
    assert spare_command(["python", "-P", "-m", "hops_kernels.pyspark", "-f", "x"]) == [
        "python", "-P", "-m", "hops_kernels.spare",
    ]  # fmt: skip


@pytest.mark.parametrize("command", [["python", "-m", "ipykernel_launcher", "-f", "x"], ["hops_kernels.pyspark"]])
def test_other_kernels_have_none(command):
    assert spare_command(command) is None


def test_an_order_holds_the_arguments_the_folder_and_the_environment():
    order = order_for(["python", "-m", "hops_kernels.pyspark", "-f", "x"], environment={"A": "1"}, folder="/home")
    assert order.endswith(b"\n")
    assert json.loads(order) == {"arguments": ["-f", "x"], "folder": "/home", "environment": {"A": "1"}}


def test_it_becomes_the_kernel_and_is_gone_then(spare, command, environment, tmp_path):
    process = spare.take(command, environment=environment | {"JPY_SESSION_NAME": "new.ipynb"}, folder="/")
    assert process is not None
    assert process.wait(60) == 0
    order = json.loads((tmp_path / "order").read_text())
    assert (order["arguments"], order["folder"]) == (["-f", "kernel-1.json"], "/")
    assert order["environment"]["JPY_SESSION_NAME"] == "new.ipynb"
    assert not spare.ready
    assert spare.take(command, environment=environment, folder="/") is None


def test_there_is_one_at_most(spare, command, environment, tmp_path):
    first = spare.pid
    spare.prepare(command, environment=environment, folder=tmp_path)
    assert spare.pid == first


def test_another_environment_or_command_starts_in_the_ordinary_way(spare, command, environment):
    assert spare.take(command, environment=environment | {"PYTHONHASHSEED": "0"}, folder="/") is None
    assert spare.take(["/other/python", *command[1:]], environment=environment, folder="/") is None
    assert spare.take(command, environment=environment | {"JPY_X": "x" * 70_000}, folder="/") is None
    assert spare.ready


def test_one_that_has_died_is_not_used(spare, command, environment):
    psutil.Process(spare.pid).kill()
    spare._process.wait(60)
    assert spare.take(command, environment=environment, folder="/") is None


def test_it_ends_with_the_server(spare):
    process = psutil.Process(spare.pid)
    spare.end()
    assert not process.is_running()
    spare.end()


class ScriptedSpare:
    def __init__(self, *, ready=False):
        self.ready, self.taken_at, self.ended = ready, 0.0, 0

    def end(self):
        self.ended += 1
        self.ready = False


def prepared(spare, *, unused_s, rounds=3):
    """How often a spare is made in some rounds of waiting."""
    made = []
    left = [rounds]

    async def sleep(_seconds):
        left[0] -= 1
        if left[0] < 0:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_ready(spare, lambda: made.append(1), lambda: unused_s, sleep=sleep))
    return len(made)


def test_a_server_in_use_gets_one():
    assert prepared(ScriptedSpare(), unused_s=1.0) == 3  # the scripted one never becomes ready
    assert prepared(ScriptedSpare(ready=True), unused_s=1.0) == 0


def test_one_that_nobody_uses_has_none():
    spare = ScriptedSpare(ready=True)
    assert prepared(spare, unused_s=UNUSED_S + 1) == 0
    assert spare.ended


def test_none_is_made_while_a_kernel_has_just_started():
    spare, now, made = ScriptedSpare(), [0.0], []

    async def sleep(seconds):
        if now[0] >= 5 * REFILL_S:
            raise asyncio.CancelledError
        now[0] += seconds
        spare.taken_at = now[0] - REFILL_S / 2  # somebody opens one notebook after the other

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_ready(spare, lambda: made.append(1), lambda: 0.0, sleep=sleep, clock=lambda: now[0]))
    assert not made


def test_none_is_made_where_memory_is_short(monkeypatch):
    short = type("Memory", (), {"available": spare_kernel.LEAST_FREE_BYTES - 1})
    monkeypatch.setattr(spare_kernel.psutil, "virtual_memory", lambda: short)
    assert prepared(ScriptedSpare(), unused_s=0.0) == 0
