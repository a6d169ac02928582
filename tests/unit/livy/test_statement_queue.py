"""Statements of a session run one after the other, within their bounds."""

import pytest

from hops_livy.engines.drivers import Executed
from hops_livy.errors import TooManyError
from hops_livy.session_states import SessionState
from hops_livy.statements import StatementState
from tests.unit.livy.told_driver import OK, with_session
from tests.waiting import until_async


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
