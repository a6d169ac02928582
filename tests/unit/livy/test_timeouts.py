"""For how long a session stays that does nothing, or whose client is gone."""

import time

from hops_livy.timeouts import Timeouts
from tests.unit.livy.told_driver import OK, with_session
from tests.waiting import until_async


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
