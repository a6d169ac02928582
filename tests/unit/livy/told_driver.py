"""A session whose driver does what a test tells it, and no Java."""

# ruff: noqa: ARG002 - the driver takes what the port hands it

import asyncio
import tempfile
from pathlib import Path

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.engines.drivers import Ending, Executed, Shape
from hops_livy.journal import Journal
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.timeouts import Timeouts
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
