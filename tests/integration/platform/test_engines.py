"""What administrators see of the engines: what works, since when, why not, and what waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from hops_platform.app import TASKS
from hops_platform.database import now
from hops_platform.errors import EngineUnavailableError
from hops_platform.operations.engines import EngineWatch, Watched
from hops_platform.operations.schemas import EngineState
from hops_platform.outbox import STUCK_AFTER, Delivery


@pytest.fixture
def admin(hops: Any) -> Any:
    return hops.user("root-ada", admin=True)


@pytest.fixture
def look(hops: Any, admin: Any) -> Any:
    """The engines by name, looked at now."""

    def found() -> dict[str, dict[str, Any]]:
        hops.platform.parts.engine_watch.look()
        answer = admin.get("engines")
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()}

    return found


def test_each_channel_of_the_outbox_belongs_to_an_engine(make: Any) -> None:
    everything = make(kafka="kafka.example.org:9093")
    owned = [channel for one in everything.platform.parts.engine_watch.watched for channel in one.channels]
    assert sorted(owned) == sorted({task.channel for task in TASKS})


def test_an_engine_that_is_down_says_why_since_when_and_what_to_do(hops: Any, look: Any) -> None:
    before = look()
    assert {one["state"] for one in before.values()} == {"up"}
    assert (before["hub"]["about"], before["hub"]["error"], before["hub"]["remedy"]) == ("in memory", None, None)
    hops.platform.hub.fault = EngineUnavailableError("The Hub does not answer.")
    down = look()["hub"]
    assert (down["state"], down["error"], down["about"]) == ("down", "The Hub does not answer.", "in memory")
    assert "make up" in down["remedy"]
    assert down["since"] > before["hub"]["since"]
    assert look()["hub"]["since"] == down["since"]
    hops.platform.hub.fault = RuntimeError("password=hunter2")
    assert "hunter2" not in str(look()["hub"])
    hops.platform.hub.fault = None
    assert look()["hub"]["state"] == "up"
    assert look()["sessions"] == before["sessions"]


def test_what_waits_for_an_engine_stands_beside_it(hops: Any, look: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    hops.deliver()
    hops.platform.hub.fault = EngineUnavailableError("The Hub does not answer.")
    ada.delete("projects/weather/members/bob").raise_for_status()
    for _ in range(STUCK_AFTER):
        with hops.platform.parts.database.session() as session:
            session.execute(update(Delivery).values(due_at=now() - timedelta(seconds=1)))
        hops.deliver()
    found = look()
    assert (found["hub"]["waiting"], found["hub"]["stuck"]) == (1, 1)
    assert (found["sessions"]["waiting"], found["sessions"]["stuck"]) == (0, 0)


def test_nobody_but_administrators_sees_them(hops: Any) -> None:
    assert hops.user("ada").get("engines").status_code == 403
    assert hops.anonymous().get("engines").status_code == 401


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()


def test_an_engine_that_hangs_keeps_no_other_and_is_not_asked_twice_at_once(gate: threading.Event) -> None:
    asked: list[str] = []

    def hangs() -> str:
        asked.append("hangs")
        assert gate.wait(60)
        return "it is back"

    def engine(name: str, probe: Any) -> Watched:
        return Watched(name=name, title=name, channels=(), remedy="", probe=probe)

    watch = EngineWatch([engine("hangs", hangs), engine("well", lambda: "well")], patience_s=0.2)
    try:
        for _ in range(2):
            found = watch.found(at_most_s=0.0)
            assert (found["hangs"].state, found["well"].state) == (EngineState.DOWN, EngineState.UP)
        assert found["hangs"].error == "It does not answer within 0.2 seconds."
        assert asked == ["hangs"]
        gate.set()
        while watch.found(at_most_s=0.0)["hangs"].state is EngineState.DOWN:
            pass
        assert watch.found()["hangs"].about == "it is back"
    finally:
        watch.close()
