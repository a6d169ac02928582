"""The end of a session's processes, where a look can miss one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from hops_contract.sandbox import SandboxError, View, command_in_sandbox, find_program
from hops_livy.builtin import processes


class Process:
    def __init__(self):
        self.pid, self.signals = 7, []

    def send_signal(self, number):
        self.signals.append(number)

    def kill(self):
        self.signals.append("kill")

    def is_running(self):
        """Whether it is seen is planned."""
        return False


@pytest.fixture
def looks(monkeypatch):
    """What is seen, look by look; nothing after that."""
    planned = []
    monkeypatch.setattr(processes, "processes_of", lambda _leader, _application: planned.pop(0) if planned else [])
    monkeypatch.setattr(processes, "_POLL_S", 0.01)
    return planned


def test_a_process_that_one_look_misses_is_ended_all_the_same(looks):
    hidden = Process()
    looks += [[], [hidden], []]
    assert asyncio.run(processes.end_processes(1, "a")) is True
    assert hidden.signals, "it was asked to end"
    assert looks == []


def test_a_process_that_does_not_end_is_told_of(looks, monkeypatch):
    monkeypatch.setattr(processes, "_GIVE_UP_S", 0.1)
    stubborn = Process()
    looks += [[stubborn]] * 1000
    assert asyncio.run(processes.end_processes(1, "a", grace_s=0.02)) is False
    assert "kill" in stubborn.signals


TAKEN_OVER = """
import os
os.setsid()
os.execve("/bin/sh", ["sh", "-c", "trap '' TERM; (sleep 765432) & echo there; while :; do sleep 765432; done"], {})
"""


@pytest.mark.parametrize("find", ["by its leader", "by its token"])
def test_a_sandbox_whose_first_process_has_shed_every_sign_of_its_session_is_ended(tmp_path, find):
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(f"no sandbox: {error}")
    inside = ["python3", "-c", TAKEN_OVER]
    python = (Path(sys.executable).parent.parent, Path(sys.base_prefix))
    command = command_in_sandbox(program, inside, View(read=python, temporary=tmp_path), cwd=Path("/"))
    environment = {"PATH": f"{sys.base_prefix}/bin:{os.defpath}", "HOPS_TOKEN_FILE": str(tmp_path / "token.jwt")}
    outer = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    assert outer.stdout.readline() == b"there\n"
    below = psutil.Process(outer.pid).children(recursive=True)
    assert os.getsid(below[0].pid) != outer.pid
    try:
        end = processes.end_processes(outer.pid, "a", grace_s=0.1) if find == "by its leader" else None
        assert asyncio.run(end or processes.end_strays(environment["HOPS_TOKEN_FILE"]))
        _, alive = psutil.wait_procs(below, timeout=60)
        assert alive == []
    finally:
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        outer.communicate()


@pytest.fixture
def listener():
    """A process that leads its own session of processes and listens; its id and its port."""
    program = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    yield process.pid, int(process.stdout.readline())
    process.communicate()


def test_a_port_is_believed_of_the_driver_that_listens_there_and_of_no_other(listener):
    pid, port = listener
    with socket.create_server(("127.0.0.1", 0)) as ours:
        assert processes.listens(pid, port)
        assert not processes.listens(pid, ours.getsockname()[1])
        assert not processes.listens(os.getpid(), port)
        assert not processes.listens(pid, 70_000)


def test_a_driver_is_looked_for_once_in_a_while_whether_it_listens_or_not(monkeypatch):
    asked = []
    monkeypatch.setattr(processes, "listens", lambda pid, port: asked.append((pid, port)) or port == 4040)

    async def walk():
        listeners = processes.Listeners()
        for port in (4040, 4041):
            assert await asyncio.gather(*(listeners.is_there(7, port) for _ in range(5))) == [port == 4040] * 5
        assert await listeners.is_there(8, 4041) is False
        assert asked == [(7, 4040), (7, 4041), (8, 4041)]
        monkeypatch.setattr(processes, "REMEMBERED_S", 0.0)
        listeners = processes.Listeners()
        for port in (4040, 4040, 4041, 4041):
            assert await listeners.is_there(7, port) is (port == 4040)
        assert len(asked) == 7

    asyncio.run(walk())


def test_looking_for_false_ports_takes_no_thread_from_others(monkeypatch):
    goes_on = threading.Event()
    monkeypatch.setattr(processes, "listens", lambda *_: goes_on.wait(120))

    async def many():
        looks = [asyncio.create_task(processes.Listeners().is_there(7, port)) for port in range(100)]
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 60) == "free"
        goes_on.set()
        assert all(await asyncio.gather(*looks))

    asyncio.run(many())


def test_who_listens_only_on_another_address_is_not_who_answers_on_this_one(listener):
    _, port = listener
    program = (
        f"import socket, sys; s = socket.create_server(('127.0.0.2', {port})); print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        process.stdout.readline()
        assert not processes.listens(process.pid, port)
    finally:
        process.communicate()
