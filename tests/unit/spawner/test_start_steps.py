from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from hops_contract.problems import TYPE_PREFIX, Problem
from hops_contract.servers import ServerGrant
from hops_spawner import mixin
from hops_spawner.control_plane import ENVIRONMENT_NOT_READY, RefusedError
from hops_spawner.mixin import HopsSpawnerMixin
from hops_spawner.refusals import StartRefusedError

NOT_READY = RefusedError(
    Problem(type=ENVIRONMENT_NOT_READY, title="X", status=409, detail="The environment is being made.", remedy="Wait.")
)
NO_MEMBER = RefusedError(
    Problem(type=f"{TYPE_PREFIX}forbidden", title="X", status=403, detail="'ada' is not a member of 'weather'.")
)


class Started:
    """The spawner below the mixin."""

    log = SimpleNamespace(info=lambda *_: None)
    _log_name = "ada:weather"

    async def start(self) -> tuple[str, int]:
        self.steps.append("start")
        return "127.0.0.1", 1


class Spawner(HopsSpawnerMixin, Started):
    """A spawner that starts nothing."""

    def __init__(self, answers: list[Any], name: str = "weather", **settings: Any) -> None:
        super().__init__(**settings)
        self.name = name
        self.user = SimpleNamespace(name="ada")
        self.user_options = {"executors": 2}
        self.orm_spawner = SimpleNamespace(user_options={"executors": 2}, display_name="weather")
        self.steps: list[Any] = []
        self._answers = answers

    @property
    def control_plane(self) -> Any:
        return self

    async def grant(self, project: str, user: str, options: Any) -> ServerGrant:
        self.steps.append((project, user, options))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def prepare(self, grant: ServerGrant) -> None:
        assert grant is self.granted
        self.steps.append("prepare")

    async def await_answer(self, address: Any) -> None:
        assert address == ("127.0.0.1", 1)
        self.steps.append("answer")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixin, "ENVIRONMENT_POLL_S", 0.01)
    monkeypatch.setattr(mixin, "object_session", lambda _: None)


def told(spawner: Spawner) -> list[str]:
    async def read() -> list[str]:
        return [event["message"] async for event in spawner.progress()]

    return asyncio.run(read())


def test_a_start_is_granted_then_prepared_started_and_waited_for(grant: ServerGrant) -> None:
    spawner = Spawner([grant])
    assert asyncio.run(spawner.start()) == ("127.0.0.1", 1)
    assert spawner.steps == [("weather", "ada", {"executors": 2}), "prepare", "start", "answer"]
    assert spawner.orm_spawner.display_name == "Weather"
    assert spawner.orm_spawner.user_options == {}  # the control plane remembers them


def test_a_start_waits_while_the_environment_is_made_and_says_so(grant: ServerGrant) -> None:
    spawner = Spawner([NOT_READY, NOT_READY, grant])
    asyncio.run(spawner.start())
    assert told(spawner) == [
        "Checking your rights and the options",
        "The environment is being made.",
        "Preparing the server of project Weather of the coast",
        "Starting JupyterLab",
        "Waiting for JupyterLab to answer",
    ]


def test_waiting_for_the_environment_has_an_end() -> None:
    spawner = Spawner([NOT_READY], environment_timeout=1)
    with pytest.raises(StartRefusedError, match="is being made"):
        asyncio.run(spawner.start())
    assert set(map(type, spawner.steps)) == {tuple}  # nothing was prepared


def test_who_is_no_member_is_told_that_there_is_no_such_project() -> None:
    spawner = Spawner([NO_MEMBER])
    with pytest.raises(StartRefusedError, match="There is no project 'weather' that you can see") as refused:
        asyncio.run(spawner.start())
    assert refused.value.status_code == 404
    assert len(spawner.steps) == 1


@pytest.mark.parametrize("name", ["", "Weather", "a__b", "../x"])
def test_a_server_without_a_project_is_refused_without_asking(grant: ServerGrant, name: str) -> None:
    spawner = Spawner([grant], name=name)
    with pytest.raises(StartRefusedError, match="belongs to a project"):
        asyncio.run(spawner.start())
    assert spawner.steps == []


def test_a_full_disk_is_told_in_a_sentence(grant: ServerGrant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(self: Spawner, _grant: ServerGrant) -> None:
        raise OSError(28, "No space left on device", "/secret/path")

    monkeypatch.setattr(Spawner, "prepare", full)
    with pytest.raises(StartRefusedError, match="could not be made: No space left on device") as refused:
        asyncio.run(Spawner([grant]).start())
    assert "/secret/path" not in str(refused.value)


def test_a_step_that_takes_too_long_is_told_by_its_name_and_not_as_a_full_disk(
    grant: ServerGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: Spawner, _grant: ServerGrant) -> None:
        raise TimeoutError("Could not create pod hops/jupyter-weather--ada")

    monkeypatch.setattr(Spawner, "prepare", slow)
    with pytest.raises(
        StartRefusedError, match="waited 0 seconds at the step 'Preparing the server of project"
    ) as late:
        asyncio.run(Spawner([grant]).start())
    assert late.value.status_code == 504
    assert "disk" not in str(late.value)


def test_a_fault_of_ours_is_not_dressed_as_anothers(grant: ServerGrant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Spawner, _grant: ServerGrant) -> None:
        raise KeyError("project")

    monkeypatch.setattr(Spawner, "prepare", broken)
    with pytest.raises(KeyError):
        asyncio.run(Spawner([grant]).start())


def test_a_link_can_not_start_a_server(grant: ServerGrant) -> None:
    with pytest.raises(StartRefusedError, match="A link can't start"):
        Spawner([grant]).options_from_query({"executors": ["2"]})
