from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from hops_contract.servers import ServerGrant
from hops_spawner import mixin
from hops_spawner.endings import Ending, ending_of, read_ending, usual_ending
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


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (
            "[I ServerApp] No kernels for 1800 seconds; shutting down.",
            "Nothing was done in it for its idle time of 30 minutes, so it ended.",
        ),
        ("[I ServerApp] Shutting down on /api/shutdown request.", "It was shut down from inside."),
        ("", "It was shut down from inside."),
    ],
)
def test_a_server_that_went_without_a_fault_says_why(
    running: Spawner, monkeypatch: pytest.MonkeyPatch, log: str, sentence: str
) -> None:
    monkeypatch.setattr(Spawner, "log_tail", lambda _: log)
    running.status = 0
    asyncio.run(running.poll())
    assert running.ended is not None
    assert (running.ended.sentence, running.ended.usual) == (sentence, True)
    assert running.ended.remedy.startswith("Start it again")
    assert running.ended.log_tail == "", "nobody has to look into it"


@pytest.mark.parametrize(("minutes", "span"), [(None, "idle time,"), (1, "of a minute,"), (2, "of 2 minutes,")])
def test_an_idle_time_is_told_as_far_as_it_is_known(minutes: int | None, span: str) -> None:
    assert span in usual_ending("No kernels for 60 seconds; shutting down.", idle_minutes=minutes).sentence


def test_what_a_hub_of_before_kept_of_an_ending_is_read() -> None:
    assert read_ending({"sentence": "It ended.", "log_tail": "x"}) == Ending("It ended.", "x")
    assert read_ending({"sentence": "It ended.", "of a later Hub": 1}) == Ending("It ended.")


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
