"""What a session tells of itself, and its end."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from hops_livy import log_end
from hops_livy.errors import ConflictError
from tests.unit.livy.told_driver import with_session
from tests.waiting import until_async


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
        monkeypatch.setattr(log_end, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))
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
