from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from hops_contract.servers import ServerGrant
from hops_spawner import mixin
from hops_spawner.endings import Ending, ending_of
from hops_spawner.mixin import HopsSpawnerMixin

OUT_OF_MEMORY = "The machine may have run out of memory; ask for less, or load less at a time."


class Ended:
    """The spawner below the mixin; its server has ended with ``status``."""

    log = SimpleNamespace(info=lambda *_: None)
    _log_name = "ada:weather"
    status: int | None = None

    async def start(self) -> tuple[str, int]:
        self.status = None
        return "127.0.0.1", 1

    async def stop(self, **_: bool) -> None:
        self.status = 0

    async def poll(self) -> int | None:
        return self.status

    def get_state(self) -> dict[str, Any]:
        return {"pid": 7}

    def load_state(self, state: dict[str, Any]) -> None:
        assert state["pid"] == 7


class Spawner(HopsSpawnerMixin, Ended):
    """A spawner that starts nothing."""

    def __init__(self, grant: ServerGrant) -> None:
        super().__init__()
        self._granted = grant
        self.name = "weather"
        self.user_options: dict[str, Any] = {}
        self.orm_spawner = SimpleNamespace(user_options={}, display_name="weather")

    async def _grant(self) -> ServerGrant:
        return self._granted

    async def prepare(self, grant: ServerGrant) -> None:
        pass

    async def clean(self) -> None:
        pass

    def log_tail(self) -> str:
        return "MemoryError"


@pytest.fixture
def running(grant: ServerGrant, monkeypatch: pytest.MonkeyPatch) -> Spawner:
    monkeypatch.setattr(mixin, "object_session", lambda _: None)
    spawner = Spawner(grant)
    asyncio.run(spawner.start())
    assert asyncio.run(spawner.poll()) is None
    return spawner


def test_a_crash_is_remembered_with_its_log_until_the_next_start(running: Spawner, grant: ServerGrant) -> None:
    running.status = -9
    assert asyncio.run(running.poll()) == -9
    running.status = 0  # JupyterHub asks again, and the process is no longer known
    asyncio.run(running.poll())
    assert running.ended == ending_of(-9, log_tail="MemoryError")
    later = Spawner(grant)
    later.load_state(running.get_state())
    assert later.ended == running.ended
    asyncio.run(later.start())
    assert (later.ended, later.get_state()) == (None, {"pid": 7})


def test_an_idle_server_that_went_has_not_crashed(running: Spawner) -> None:
    running.status = 0
    asyncio.run(running.poll())
    assert running.ended is None


def test_a_server_that_was_stopped_has_not_crashed(running: Spawner) -> None:
    asyncio.run(running.stop())
    running.status = -15
    asyncio.run(running.poll())
    assert running.ended is None


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (3, "It ended by itself, with exit status 3."),
        (-11, "It did not stop in the usual way: the signal SIGSEGV ended it."),
        (
            137,
            f"It did not stop in the usual way: the signal SIGKILL ended it. {OUT_OF_MEMORY}",
        ),
        (255, "It ended by itself, with exit status 255."),
    ],
)
def test_an_exit_status_is_told_in_words(status: int, sentence: str) -> None:
    assert ending_of(status, log_tail="x") == Ending(sentence, "x")
