"""A cell writes to the socket by which its driver tells the service of the start.

Each line that it believed would cost the service descriptors and threads, until nobody has a session any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin import driver as module
from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.folder import SessionFolder
from hops_livy.builtin.page_way import PageWay
from hops_livy.builtin.processes import DriverProcess
from hops_livy.engines.drivers import DriverRequest, Shape


class Client:
    made: ClassVar[list[Client]] = []

    def __init__(self, _connection, **_options):
        self.made.append(self)

    def connect(self):
        pass

    async def open(self):
        pass

    def close(self):
        pass


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Sends lines to the socket of a driver that starts; gives the driver as it then is, and whether it was ended."""
    monkeypatch.setattr(module, "KernelClient", Client)
    monkeypatch.setattr(Client, "made", [])

    async def tell(*lines: bytes) -> tuple[BuiltinDriver, bool]:
        owner = Principal(
            kind=PrincipalKind.PROJECT_USER, user="mallory", project="red", role=ProjectRole.DATA_SCIENTIST
        )
        request = DriverRequest(
            session_id=1,
            application="application_1_0007",
            kept_outputs=Path("/kept"),
            owner=owner,
            token="t",
            name="",
            shape=Shape(),
            conf={},
        )
        folder = SessionFolder(tmp_path)
        driver = BuiltinDriver(request, folder, start_s=60, on_gone=lambda: None, connection={})
        watching = asyncio.create_task(driver._read_status(folder.listen_to_status()))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as cell:
            cell.settimeout(0.01)
            for line in lines:
                # When nobody reads any more the queue is full at last.
                with contextlib.suppress(TimeoutError):
                    await asyncio.to_thread(cell.sendto, line, str(folder.status_socket))
        for _ in range(30):  # so many turns, however long the machine does other work in between
            await asyncio.wait([watching], timeout=0.01)
        ended = watching.done()
        watching.cancel()
        return driver, ended

    return lambda *lines: asyncio.run(tell(*lines))


BOUND, READY = b'{"stage": "kernel_bound"}\n', b'{"stage": "ready"}\n'


def test_a_driver_is_connected_to_once_however_often_it_says_that_it_is_bound(told):
    told(BOUND, READY, *[BOUND] * 50)
    assert len(Client.made) == 1


def test_who_writes_without_end_is_not_listened_to(told):
    _, ended = told(BOUND, READY, *[BOUND] * 300, b'{"stage": "failed", "reason": "x"}\n')
    assert not ended, "what came after the hundredth line was not read"


@pytest.mark.parametrize(
    "line",
    [
        b"{\n",
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"stage": []}\n',
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b"x" * 150_000 + b"\n",
        b"\n",
    ],
    ids=["cut", "list", "number", "empty object", "odd stage", "no text", "deep", "long", "empty"],
)
def test_a_line_that_is_none_is_passed_over_and_the_next_one_counts(told, line):
    driver, ended = told(line, BOUND, line, READY)
    assert (driver.ready.done(), ended) == (True, False)


def test_a_session_is_not_ready_before_it_can_be_talked_to(told):
    driver, _ = told(READY)
    assert not driver.ready.done()


@pytest.mark.parametrize("line", [b'{"stage": "failed"}\n', b'{"stage": "failed", "reason": [1], "jvm_code": "x"}\n'])
def test_a_failure_without_a_good_reason_is_a_failure(told, line):
    _, ended = told(BOUND, line)
    assert ended


@pytest.mark.parametrize(
    "line",
    [
        {"stage": "driver_ended", "code": 137, "peak_mib": 10**400},
        {"stage": "driver_ended", "code": 10**4000, "peak_mib": True},
        {"stage": "jvm_ended", "code": -(10**4000)},
        {"stage": "failed", "reason": "\ud800"},
    ],
    ids=["memory", "status", "Java's status", "half a character"],
)
def test_an_end_that_nobody_could_reckon_with_or_write_down_is_told_all_the_same(told, monkeypatch, line):
    driver, ended = told(BOUND, READY, json.dumps(line).encode())
    assert ended
    # The kernel has counted: what was taken is part of the reason.
    monkeypatch.setattr(driver._memory._counter, "read", lambda: 0)
    driver._memory.look(None)
    reason = driver._ending(None).reason
    assert reason.encode()
    assert len(reason) < 500


def test_a_session_whose_end_can_not_be_told_is_ended_all_the_same(told, tmp_path, monkeypatch):
    driver, _ = told(BOUND)
    driver._folder, gone = SessionFolder(tmp_path / "own"), []
    driver._folder.path.mkdir()
    driver._on_gone = lambda: gone.append(True)

    def fail(_code):
        raise OverflowError

    monkeypatch.setattr(driver, "_ending", fail)

    child = subprocess.Popen(["sleep", "60"], start_new_session=True)

    async def live():
        # Of another loop than that which the driver was made in.
        driver.ready, driver.ended = (asyncio.get_running_loop().create_future() for _ in range(2))
        driver._stop = asyncio.Event()
        driver._process = DriverProcess(child.pid, None, child)
        life = asyncio.create_task(driver._live(driver._process, driver._folder.listen_to_status()))
        await asyncio.sleep(0.05)
        driver._stop.set()
        await asyncio.wait_for(life, 60)
        return child.returncode, driver.ended.result()

    code, ending = asyncio.run(live())
    assert code == -signal.SIGTERM
    assert "why can't be told" in ending.reason
    assert gone


def test_a_false_port_of_its_pages_is_told_to_the_log_once(monkeypatch, caplog):
    pages = PageWay(1, key="key", socket=None)

    async def ask():
        for _ in range(3):
            assert await pages.find(7, 4041) is None

    async def is_there(_leader, _port):
        return False

    monkeypatch.setattr(pages._listeners, "is_there", is_there)
    asyncio.run(ask())
    assert [record.message for record in caplog.records] == ["session 1 names a port that is not its own"]


def test_a_session_that_is_refused_ends_with_the_reason(told):
    driver, _ = told(BOUND)
    driver._cut_off("It sent too much.")
    driver._cut_off("It sent too much again.")
    assert (driver._asked, driver._stop.is_set()) == ("It sent too much.", True)
