"""A cell writes to the socket by which its driver tells the service of the start.

Each line that it believed would cost the service descriptors and threads, until nobody has a session any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin import driver as module
from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.folder import SessionFolder
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
        ended, _ = await asyncio.wait([watching], timeout=0.3)
        watching.cancel()
        return driver, bool(ended)

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


def test_a_false_port_of_its_pages_is_told_to_the_log_once(told, monkeypatch, caplog):
    driver, _ = told(BOUND, b'{"stage": "ready", "page_port": 4041}\n')

    async def ask():
        for _ in range(3):
            assert await driver.spark_pages() is None

    async def is_there(_leader, _port):
        return False

    driver._process, driver._page_key = SimpleNamespace(pid=7), "key"
    monkeypatch.setattr(driver._listeners, "is_there", is_there)
    asyncio.run(ask())
    assert [record.message for record in caplog.records] == ["session 1 names a port that is not its own"]


def test_a_session_that_is_refused_ends_with_the_reason(told):
    driver, _ = told(BOUND)
    driver._cut_off("It sent too much.")
    driver._cut_off("It sent too much again.")
    assert (driver._asked, driver._stop.is_set()) == ("It sent too much.", True)
