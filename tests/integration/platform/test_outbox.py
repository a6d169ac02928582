"""What must follow elsewhere: in order, engine by engine, until it is done."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from datetime import timedelta
from json import JSONDecodeError
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from hops_platform.database import Database, now
from hops_platform.errors import EngineUnavailableError
from hops_platform.outbox import (
    LEASE,
    STUCK_AFTER,
    Delivery,
    OutboxWorkers,
    Task,
    enqueue,
    enqueue_once,
    is_hopeless,
    pause_after,
)
from tests.waiting import until

from .conftest import ON_POSTGRESQL

STORE, START = Task("storage", "store"), Task("hub", "start")


class Engine:
    """Notes what it is told to do; refuses what is in ``broken``, a thing or all of an entity."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.broken: set[str] = set()
        self.gate: threading.Event | None = None

    def __call__(self, _context: None, payload: Mapping[str, Any]) -> None:
        if self.gate is not None:
            assert self.gate.wait(60)
        if {payload["what"], payload["what"].split("-")[0]} & self.broken:
            raise EngineUnavailableError("The engine does not answer.")
        self.done.append(payload["what"])


@pytest.fixture
def engines() -> dict[str, Engine]:
    return {"storage": Engine(), "hub": Engine()}


@pytest.fixture
def workers(hops: Any, engines: dict[str, Engine]) -> OutboxWorkers:
    return OutboxWorkers(
        hops.platform.parts.database, None, {STORE: engines["storage"], START: engines["hub"]}, idle_s=0.02
    )


def write(hops: Any, task: Task, *whats: str) -> None:
    """One transaction; the entity is what stands before the hyphen."""
    with hops.platform.parts.database.session() as session:
        for what in whats:
            enqueue(session, task, entity=what.split("-")[0], payload={"what": what})


def rows(hops: Any) -> list[Delivery]:
    with hops.platform.parts.database.session(writes=False) as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def make_due(hops: Any) -> None:
    with hops.platform.parts.database.session() as session:
        session.execute(update(Delivery).values(due_at=now() - timedelta(seconds=1)))


def test_a_request_that_fails_leaves_nothing_to_do(hops: Any) -> None:
    def fail() -> None:
        with hops.platform.parts.database.session() as session:
            enqueue(session, STORE, entity="a", payload={"what": "a-1"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert rows(hops) == []


def test_deliveries_of_one_entity_keep_their_order(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    expected = [f"a-{number}" for number in range(30)]
    write(hops, STORE, *expected)
    assert workers.deliver_due() == 30
    assert engines["storage"].done == expected


def test_a_failing_delivery_holds_back_only_its_entity(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    engines["storage"].broken = {"a"}
    write(hops, STORE, "a-1", "b-1", "a-2", "b-2")
    write(hops, START, "a-1")
    workers.deliver_due()
    assert engines["storage"].done == ["b-1", "b-2"]
    assert engines["hub"].done == ["a-1"], "another engine goes on with the same entity"
    engines["storage"].broken = set()
    make_due(hops)
    workers.deliver_due()
    assert engines["storage"].done == ["b-1", "b-2", "a-1", "a-2"]
    assert rows(hops) == []


def test_what_comes_after_a_failing_delivery_of_its_entity_waits_for_it(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    engines["storage"].broken = {"a-1"}
    write(hops, STORE, "a-1", "a-2")
    assert workers.deliver_due() == 0
    assert engines["storage"].done == []
    engines["storage"].broken = set()
    make_due(hops)
    assert workers.deliver_due() == 2
    assert engines["storage"].done == ["a-1", "a-2"]


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("select", {}, Exception("the database is away")),
        JSONDecodeError("a payload is none", "{", 1),
        OSError("the file of the database can't be opened"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_database_that_is_away_for_a_moment_does_not_end_a_worker(
    hops: Any,
    workers: OutboxWorkers,
    engines: dict[str, Engine],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    claim, failed = workers._claim, threading.Event()

    def away_once(channel: str) -> Delivery | None:
        if channel == "storage" and not failed.is_set():
            failed.set()
            raise error
        return claim(channel)

    monkeypatch.setattr(workers, "_claim", away_once)
    write(hops, STORE, "a-1")
    _deliver_after_a_failure(workers, engines, failed)


def _deliver_after_a_failure(workers: OutboxWorkers, engines: dict[str, Engine], failed: threading.Event) -> None:
    workers.start()
    try:
        until(lambda: engines["storage"].done == ["a-1"])
        assert failed.is_set()
    finally:
        workers.stop()


def test_a_look_for_what_is_due_that_fails_is_made_again(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, failed = Database.session, threading.Event()

    def away_once(database: Database, *, writes: bool = True) -> Any:
        if threading.current_thread().name == "outbox-due" and not failed.is_set():
            failed.set()
            raise OSError("the file of the database can't be opened")
        return session(database, writes=writes)

    monkeypatch.setattr(Database, "session", away_once)
    write(hops, STORE, "a-1")
    _deliver_after_a_failure(workers, engines, failed)


def test_a_channel_for_which_nothing_is_due_does_not_ask_the_database(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, asked = workers._claim, []

    def noted(channel: str) -> Delivery | None:
        asked.append(channel)
        return claim(channel)

    monkeypatch.setattr(workers, "_claim", noted)
    workers.start()
    try:
        for entity in ("a-1", "b-1"):
            write(hops, STORE, entity)
            workers.wake()
            until(lambda: rows(hops) == [])
    finally:
        workers.stop()
    assert engines["storage"].done == ["a-1", "b-1"]
    assert set(asked) == {"storage"}


def test_pauses_grow_to_five_minutes_and_nothing_is_given_up(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    engines["storage"].broken = {"a"}
    write(hops, STORE, "a-1")
    for attempt in range(1, STUCK_AFTER + 3):
        make_due(hops)
        before = now()
        workers.deliver_due()
        (row,) = rows(hops)
        assert row.attempts == attempt
        assert before + pause_after(attempt) <= row.due_at <= now() + pause_after(attempt)
    assert pause_after(1) < pause_after(2) < pause_after(3)
    assert pause_after(100) == timedelta(minutes=5)


def test_what_is_stuck_steps_aside_for_all_else_that_is_due(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    engines["storage"].broken = {"a"}
    write(hops, STORE, "a-1", "a-2")
    for _ in range(STUCK_AFTER):
        make_due(hops)
        workers.deliver_due()
    engines["storage"].broken = set()
    make_due(hops)
    write(hops, STORE, "b-1", "c-1")
    workers.deliver_due()
    assert engines["storage"].done == ["b-1", "c-1", "a-1", "a-2"]


def test_who_keeps_an_engine_busy_keeps_nothing_stuck(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    engines["storage"].broken = {"a"}
    write(hops, STORE, "a-1")
    for _ in range(STUCK_AFTER):
        make_due(hops)
        workers.deliver_due()
    engines["storage"].broken = set()
    write(hops, STORE, *(f"b{number}-1" for number in range(40)))
    make_due(hops)
    workers.deliver_due()
    done = engines["storage"].done
    assert len(done) == 41
    assert done.index("a-1") < 10


def test_what_can_never_be_done_is_stuck_at_once_and_keeps_nobody_else(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    admin = hops.user("grace", admin=True)
    with hops.platform.parts.database.session() as session:
        enqueue(session, STORE, entity="a", payload={"not": "what it should be"})
    write(hops, STORE, "a-2", "b-1")
    assert workers.deliver_due() == 1
    assert engines["storage"].done == ["b-1"]
    first, then = admin.get("outbox").json()["items"]
    assert [(one["stuck"], one["attempts"]) for one in (first, then)] == [(True, STUCK_AFTER), (False, 0)]
    assert rows(hops)[0].due_at > now() + timedelta(minutes=4)


@pytest.mark.parametrize(
    "error",
    [
        JSONDecodeError("no JSON", "<html>", 0),
        ssl.SSLCertVerificationError("expired"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
    ],
)
def test_an_engine_that_answers_rubbish_for_a_moment_is_asked_again_soon(error: Exception) -> None:
    assert not is_hopeless(error)
    assert is_hopeless(ValueError("of this version"))


def test_the_stuck_stand_first_page_by_page_and_are_tried_again_on_request(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    admin = hops.user("grace", admin=True)
    engines["storage"].broken = {"late"}
    write(hops, START, "x-1", "y-1", "z-1")
    write(hops, STORE, "late-1")
    for _ in range(STUCK_AFTER):
        make_due(hops)
        workers.deliver_due(["storage"])
    first = admin.get("outbox", params={"limit": 2}).json()
    rest = admin.get("outbox", params={"limit": 2, "after": first["next"]}).json()
    listed = [(item["entity"], item["stuck"]) for item in first["items"] + rest["items"]]
    assert listed == [("storage:late", True), ("hub:x", False), ("hub:y", False), ("hub:z", False)]
    assert rest["next"] is None
    assert first["items"][0]["last_error"] == "The engine does not answer."
    engines["storage"].broken = set()
    assert workers.deliver_due(["storage"]) == 0
    stuck = first["items"][0]["id"]
    assert admin.post(f"./outbox/{stuck}:retry").status_code == 200
    assert workers.deliver_due(["storage"]) == 1
    assert admin.post(f"./outbox/{stuck}:retry").status_code == 404
    rows = admin.get("audit-events", params={"action": "outbox.retry", "outcome": "done"}).json()["items"]
    assert [(row["thing"], row["details"]["delivery"]) for row in rows] == [("storage:late", stuck)]


def test_an_unknown_fault_is_kept_without_its_words(hops: Any, workers: OutboxWorkers) -> None:
    write(hops, STORE, "a-1")
    workers._handlers[("storage", "store")] = _fail_with_a_secret
    workers.deliver_due()
    (row,) = rows(hops)
    assert row.last_error == "RuntimeError; the log of the control plane holds more."


def _fail_with_a_secret(*_arguments: Any) -> None:
    raise RuntimeError("password=hunter2")


def test_an_engine_that_hangs_does_not_stop_the_others(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    engines["storage"].gate = threading.Event()
    write(hops, STORE, "a-1")
    write(hops, START, "a-1", "b-1")
    workers.start()
    try:
        workers.wake()
        until(lambda: engines["hub"].done == ["a-1", "b-1"])
        assert engines["storage"].done == []
        engines["storage"].gate.set()
        until(lambda: rows(hops) == [])
    finally:
        engines["storage"].gate.set()
        workers.stop()


def test_two_processes_deliver_each_thing_once(hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]) -> None:
    twin = OutboxWorkers(
        hops.platform.parts.database, None, {STORE: engines["storage"], START: engines["hub"]}, idle_s=0.02
    )
    expected = [f"{entity}-{number}" for number in range(6) for entity in "abc"]
    write(hops, STORE, *expected)
    both = (workers, twin)
    for one in both:
        one.start()
    try:
        until(lambda: rows(hops) == [])
    finally:
        for one in both:
            one.stop()
    assert sorted(engines["storage"].done) == sorted(expected)
    for entity in "abc":
        order = [what for what in engines["storage"].done if what.startswith(entity)]
        assert order == sorted(order), "the order of an entity holds across processes"


def test_what_a_dead_process_had_begun_is_done_when_its_lease_is_out(
    hops: Any, workers: OutboxWorkers, engines: dict[str, Engine]
) -> None:
    write(hops, STORE, "a-1")
    assert workers._claim("storage") is not None  # … and here the process dies
    assert workers.deliver_due() == 0
    make_due(hops)
    assert workers.deliver_due() == 1
    assert engines["storage"].done == ["a-1"]


def test_a_lease_is_short_and_lasts_as_long_as_the_work(hops: Any, engines: dict[str, Engine]) -> None:
    assert timedelta(minutes=2) >= LEASE
    workers = OutboxWorkers(hops.platform.parts.database, None, {STORE: engines["storage"]}, extend_s=0.05)
    engines["storage"].gate = threading.Event()
    write(hops, STORE, "a-1")
    workers.start()
    try:
        until(lambda: rows(hops)[0].attempts == 1)
        make_due(hops)  # as if the work took longer than the lease
        until(lambda: rows(hops)[0].due_at > now() + LEASE / 2)
        engines["storage"].gate.set()
        until(lambda: rows(hops) == [])
        assert engines["storage"].done == ["a-1"]
    finally:
        engines["storage"].gate.set()
        workers.stop()


def test_what_waits_already_is_not_written_again_and_no_change_is_lost(
    hops: Any, engines: dict[str, Engine], workers: OutboxWorkers
) -> None:
    def change(entity: str) -> None:
        with hops.platform.parts.database.session() as session:
            enqueue_once(session, STORE, entity=entity, payload={"what": entity})

    for _ in range(50):
        change("red")
    change("blue")
    assert len(rows(hops)) == 2, "whoever changes one thing often keeps nobody else waiting"
    engines["storage"].broken = {"red"}
    workers.deliver_due(["storage"])
    # It was begun before the next change, which it can't have seen.
    change("red")
    change("red")
    assert [(one.entity, one.attempts > 0) for one in rows(hops)] == [("storage:red", True), ("storage:red", False)]
    assert engines["storage"].done == ["blue"]


@ON_POSTGRESQL
def test_what_is_begun_beside_a_change_does_not_miss_it(hops: Any, workers: OutboxWorkers) -> None:
    database = hops.platform.parts.database
    write(hops, STORE, "red")
    with database.session() as changing:
        enqueue_once(changing, STORE, entity="red", payload={"what": "red"})
        assert workers.deliver_due(["storage"]) == 0, "it is held by who relies on it"
    with database.session() as beginning, database.session() as changing:
        beginning.scalar(select(Delivery).with_for_update())
        enqueue_once(changing, STORE, entity="red", payload={"what": "red"})
        changing.commit()
    assert len(rows(hops)) == 2
