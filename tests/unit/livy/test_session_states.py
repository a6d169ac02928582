"""A session's states, queue and bounds, with a driver that does what it is told and no Java."""

# ruff: noqa: ARG002 - the driver takes what the port hands it

import asyncio
import json
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy import sessions
from hops_livy.engines.drivers import Ending, Executed, Shape
from hops_livy.errors import ConflictError, TooManyError
from hops_livy.journal import Journal
from hops_livy.routes.events import events_of
from hops_livy.sessions import Session, SessionState, Timeouts
from hops_livy.settings import Limits
from hops_livy.statements import StatementState
from tests.waiting import until_async


class ToldDriver:
    """Each statement ends when the test lets it."""

    app_id, shows_pages = "application_1", False

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.ready, self.ended = loop.create_future(), loop.create_future()
        self.begun, self.interrupts = [], 0
        self.results = asyncio.Queue()

    async def execute(self, code, *, kind, statement, on_message, execution_count=None):
        self.begun.append(code)
        self.on_message = on_message
        result = await self.results.get()
        if isinstance(result, Exception):
            raise result
        return result

    async def interrupt(self):
        self.interrupts += 1

    async def works(self):
        return False

    def log(self):
        return []

    def forget(self, statement):
        pass

    async def end(self, reason, *, at_once=False):
        if not self.ended.done():
            self.ended.set_result(Ending(reason=reason, asked=True))


OK = Executed(status="ok")


def with_session(test, *, timeouts=None, **limits):
    """Runs ``test(session, driver)`` with a session whose driver is ready."""

    async def run(folder):
        owner = Principal(
            kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_SCIENTIST
        )
        session = Session(
            id=3, owner=owner, kind="pyspark", name=None, shape=Shape(), limits=Limits(**limits),
            timeouts=timeouts or Timeouts(), journal=Journal(Path(folder) / "3"),
        )  # fmt: skip
        driver = ToldDriver()
        session.follow(driver)
        driver.ready.set_result(None)
        await until_async(lambda: session.state is SessionState.IDLE)
        try:
            await test(session, driver)
        finally:
            await session.end("the test is over")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(folder))


def test_statements_run_one_after_the_other_in_their_order():
    async def test(session, driver):
        first, second = session.submit("1"), session.submit("2")
        await until_async(lambda: driver.begun == ["1"])
        assert (session.state, first.state, second.state) == ("busy", "running", "waiting")
        driver.results.put_nowait(OK)
        await until_async(lambda: driver.begun == ["1", "2"])
        driver.results.put_nowait(OK)
        await until_async(lambda: second.final)
        assert session.state is SessionState.IDLE

    with_session(test)


def test_what_nobody_foresaw_fails_the_statement_and_the_session_goes_on():
    async def test(session, driver):
        lost = session.submit("1")
        driver.results.put_nowait(RuntimeError("a message of an unknown shape"))
        await until_async(lambda: lost.final)
        assert lost.executed.error["ename"] == "SessionServiceError"
        assert "unknown shape" not in str(lost.livy())
        again = session.submit("2")
        driver.results.put_nowait(OK)
        await until_async(lambda: again.final)
        assert (again.executed, session.state) == (OK, "idle")

    with_session(test)


def test_of_the_progress_only_the_newest_is_kept_and_it_is_no_output():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        assert (statement.livy()["progress"], statement.livy()["spark_progress"]) == (0.0, None)
        for done in (1, 3):
            driver.on_message("progress", {"active": True, "tasks_done": done, "tasks": 4})
        shown = statement.livy()
        assert (shown["progress"], shown["spark_progress"]["tasks_done"]) == (0.75, 3)
        assert statement.outputs.events == []
        driver.results.put_nowait(OK)
        await until_async(lambda: statement.final)
        assert statement.livy()["progress"] == 1.0
        assert "spark_progress" not in statement.livy()

    with_session(test)


def _events_in(pieces):
    return b"".join(pieces).decode().removesuffix("\r\n\r\n").split("\r\n\r\n")


def test_the_stream_tells_the_newest_progress_in_events_without_a_number():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        stream = events_of(session, statement, 0)
        driver.on_message("stream", {"name": "stdout", "text": "a"})
        driver.on_message("progress", {"tasks_done": 1, "tasks": 4})
        driver.on_message("progress", {"tasks_done": 2, "tasks": 4})
        pieces = [await anext(stream)]
        driver.on_message("stream", {"name": "stdout", "text": "b"})
        pieces.append(await anext(stream))
        driver.results.put_nowait(OK)
        pieces += [piece async for piece in stream]
        seen = [dict(line.split(": ", 1) for line in event.splitlines()) for event in _events_in(pieces)]
        contents = [json.loads(event["data"]) for event in seen]
        assert [event.get("id") for event in seen] == ["0", None, "1", "2"]
        assert [content["type"] for content in contents] == ["stream", "progress", "stream", "done"]
        assert contents[1]["content"]["tasks_done"] == 2

    with_session(test)


def test_what_a_driver_waits_for_is_the_reason_and_the_logs_end_as_long_as_it_lives():
    async def test(session, driver):
        heard = asyncio.create_task(session.news.wait_until(lambda: bool(session.why), 60))
        await asyncio.sleep(0)
        waits = "Waits for executors: 0 of 2."
        session.explain(waits)
        assert await heard
        assert (session.livy()["appInfo"]["reason"], session.log()) == (waits, [waits])
        await session.end("asked")
        assert (session.why, session.log()[-1]) == ("asked", "asked")

    with_session(test)


def test_the_same_key_again_gives_the_same_statement():
    async def test(session, _driver):
        first = session.submit("1", key="k")
        assert session.submit("1", key="k") is first
        assert session.submit("1", key="other") is not first

    with_session(test)


def test_a_running_statement_is_interrupted_and_one_that_waits_never_runs():
    async def test(session, driver):
        running, waiting = session.submit("1"), session.submit("2")
        await until_async(lambda: driver.begun == ["1"])
        await session.cancel(waiting)
        await session.cancel(running)
        assert (driver.interrupts, running.state, waiting.state) == (1, "cancelling", "cancelled")
        driver.results.put_nowait(Executed(status="error", error={"ename": "KeyboardInterrupt"}))
        await until_async(lambda: session.state is SessionState.IDLE)
        assert running.state is StatementState.CANCELLED
        assert driver.begun == ["1"]

    with_session(test)


def test_a_statement_that_goes_on_all_the_same_is_interrupted_each_time_that_somebody_asks():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        for _ in range(3):
            await session.cancel(statement)
        assert (driver.interrupts, statement.state) == (3, "cancelling")
        driver.results.put_nowait(Executed(status="error", error={"ename": "KeyboardInterrupt"}))
        await until_async(lambda: statement.final)
        await session.cancel(statement)
        assert (driver.interrupts, statement.state) == (3, "cancelled")

    with_session(test)


def test_a_statement_that_ended_well_before_the_interrupt_came_keeps_its_result():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        await session.cancel(statement)
        driver.results.put_nowait(OK)
        await until_async(lambda: statement.final)
        assert statement.state is StatementState.AVAILABLE

    with_session(test)


def test_only_so_many_statements_wait():
    async def test(session, driver):
        session.submit("0")
        await until_async(lambda: driver.begun == ["0"])
        session.submit("1")
        session.submit("2")
        with pytest.raises(TooManyError, match="2 statements of this session wait already"):
            session.submit("3")

    with_session(test, statements_waiting=2)


def test_of_ended_statements_only_so_many_are_kept():
    async def test(session, driver):
        for number in range(5):
            statement = session.submit(str(number))
            driver.results.put_nowait(OK)
            await until_async(lambda last=statement: last.final)
        assert list(session.statements) == [2, 3, 4]

    with_session(test, statements_kept=3)


def test_an_end_fails_what_runs_and_what_waits_and_nothing_runs_afterwards():
    async def test(session, driver):
        running, waiting = session.submit("1"), session.submit("2")
        await until_async(lambda: driver.begun == ["1"])
        await session.end("It was deleted by its owner.")
        assert (session.state, session.reason) == ("killed", "It was deleted by its owner.")
        for statement in (running, waiting):
            assert statement.executed.error["evalue"] == "It was deleted by its owner."
        with pytest.raises(ConflictError, match="has ended"):
            session.submit("3")

    with_session(test)


def test_a_session_expires_when_idle_for_too_long_and_never_at_work():
    async def test(session, driver):
        now = time.monotonic()
        assert session.expired(now + 59) is None
        assert "Nothing was run for 1 minute, the idle time" in session.expired(now + 61)
        session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        assert session.expired(now + 10_000) is None

    with_session(test, timeouts=Timeouts(idle_s=60))


def test_a_session_that_no_client_asks_for_expires_with_its_heartbeat():
    async def test(session, _driver):
        now = time.monotonic()
        assert "No client asked" in session.expired(now + 31)
        session.last_heard = now + 30
        assert session.expired(now + 31) is None

    with_session(test, timeouts=Timeouts(heartbeat_s=30))


def test_the_idle_time_begins_anew_when_somebody_wants_the_session_and_a_busy_one_has_no_end():
    async def test(session, driver):
        session.last_active -= 50
        before = session.ends
        session.touch()
        assert session.ends - before > 40
        session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        assert session.ends is None
        driver.results.put_nowait(OK)

    with_session(test, timeouts=Timeouts(idle_s=60))


def test_a_session_whose_notebook_left_while_a_cell_ran_waits_for_it_after_the_cells_end():
    async def test(session, _driver):
        now = time.monotonic()
        session.last_heard, session.last_active = now - 500, now - 5
        assert session.expired(now) is None
        session.last_active = now - 70
        assert session.expired(now) == "No client asked for this session for 1 minute."
        session.notebook = "Jupyter/days.ipynb"
        assert session.expired(now) == "Its notebook was gone for 1 minute."

    with_session(test, timeouts=Timeouts(heartbeat_s=60))


@pytest.mark.parametrize("position", [2, 3, 10**6])
def test_who_has_had_all_or_names_an_event_that_never_was_gets_the_end(position):
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        driver.on_message("stream", {"name": "stdout", "text": "a"})
        stream = events_of(session, statement, position)
        driver.on_message("progress", {"tasks_done": 1, "tasks": 4})
        pieces = [await asyncio.wait_for(anext(stream), 60)]
        driver.results.put_nowait(OK)
        pieces += [piece async for piece in stream]
        again = [piece async for piece in events_of(session, statement, position)]
        kinds = [json.loads(event.rpartition("data: ")[2])["type"] for event in _events_in([*pieces, *again])]
        assert kinds == ["progress", "done", "done"]

    with_session(test)


def test_an_end_counts_as_told_when_the_stream_tells_it_and_not_before():
    async def test(session, driver):
        statement = session.submit("1")
        await until_async(lambda: driver.begun == ["1"])
        gone, stays = events_of(session, statement, 0), events_of(session, statement, 0)
        driver.on_message("stream", {"name": "stdout", "text": "a"})
        await anext(gone)
        await gone.aclose()
        driver.results.put_nowait(OK)
        await until_async(lambda: statement.final)
        assert not statement.seen
        told = _events_in([piece async for piece in stays])
        assert [json.loads(event.rpartition("data: ")[2])["type"] for event in told] == ["stream", "done"]
        assert statement.seen

    with_session(test)


def test_who_lists_sessions_again_and_again_does_not_have_their_logs_read_each_time_and_what_comes_last_is_told(
    monkeypatch,
):
    async def test(session, driver):
        lines, readings = [f"line {number}" for number in range(12)], []

        def log():
            readings.append(0)
            return list(lines)

        monkeypatch.setattr(driver, "log", log)
        now = [1000.0]
        monkeypatch.setattr(sessions, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))
        for _ in range(100):
            assert session.livy()["log"] == lines[2:]
        assert len(readings) == 1
        lines.append("another")
        session.explain("Waits for executors.")
        assert session.livy()["log"] == [*lines[3:12], "Waits for executors."]
        now[0] += 1.0
        assert session.livy()["log"] == [*lines[4:], "Waits for executors."]
        lines.append("the last")
        await session.end("It was deleted by its owner.")
        assert session.livy()["log"] == [*lines[5:], "It was deleted by its owner."]

    with_session(test)
