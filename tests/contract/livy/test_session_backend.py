"""The contract of SessionBackend. A backend passes when a subclass of the class below that makes it passes."""

import asyncio
import itertools
import json
import re
import shutil
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest

from hops_contract.layout import Home
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.backend import BuiltinSessions
from hops_livy.engines.drivers import DriverRequest, NotOfferedError, Shape, StartError
from hops_livy.gpus import GpuLedger
from hops_livy.memory import MemoryLedger
from hops_livy.progress import Progress
from tests.waiting import until_async

pytestmark = pytest.mark.spark
REPOSITORY = Path(__file__).resolve().parents[3]
ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
# Processes are ended by their application: those of another run of these tests on this machine are not meant.
BEGAN_MS = time.time_ns() // 1_000_000
TOKEN = jwt.encode({"sub": "ada"}, "a key that is long enough for a test", "HS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """What engines differ in; the contract holds for the rest.

    Attributes:
        streams: Output comes while a statement runs; else all of it at its end.
        tells_values_apart: The value of a statement's last line is a message of its own; else a part of the text.
        names_cells: Tracebacks tell the number of the cell.
        tells_progress: Messages of the type ``progress`` come.
        completes_python: There are words for Python code.
        inspects: Names are explained; else the driver raises ``NotOfferedError``.
        counts_resources: What can't be had is refused before it is started; else it waits on the cluster.
    """

    streams: bool = True
    tells_values_apart: bool = True
    names_cells: bool = True
    tells_progress: bool = True
    completes_python: bool = True
    inspects: bool = True
    counts_resources: bool = True


class SessionBackendContract:
    """Laws of every backend; a subclass makes it in ``make_backend`` and says what it is ``able`` to."""

    able = Able()

    def make_backend(self):
        raise NotImplementedError

    def request(self, session_id=0, **shape):
        small = {"driver_memory_mib": 512, "executor_memory_mib": 512, **shape}
        return DriverRequest(
            session_id=session_id,
            application=f"application_{BEGAN_MS}_{session_id:04d}",
            kept_outputs=self.kept,
            owner=ADA,
            token=TOKEN,
            name="contract",
            shape=Shape(**small),
            conf={},
        )

    def too_much(self):
        return self.request(gpus_per_executor=64)

    def test_a_driver_executes_interrupts_completes_and_ends(self):
        asyncio.run(self._whole_life())

    async def _whole_life(self):
        backend = self.make_backend()
        able = self.able
        await backend.prepare(known=())
        driver = await backend.start(self.request())
        run = _Runner(driver)
        try:
            await asyncio.wait_for(asyncio.shield(driver.ready), 120)
            assert driver.app_id
            done = await run("print('x')\n2")
            assert done.status == "ok"
            # On a busy machine a print comes in two pieces.
            kinds = [kind for kind, _ in itertools.groupby(kind for kind, _ in run.seen)]
            expected = ["stream", "execute_result"] if able.tells_values_apart else ["stream"]
            assert kinds == expected, "all output comes before the end"
            assert list(driver.written(0)) == run.output
            driver.forget(0)
            assert list(driver.written(0)) == []
            failed = await run("1/0", execution_count=41)
            assert failed.error is not None
            assert failed.error["ename"] == "ZeroDivisionError"
            traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(failed.error["traceback"]))
            assert ("In[41]" in traceback) == able.names_cells
            slow = "import time\nspark.sparkContext.range(4, numSlices=4).map(lambda _: time.sleep(1)).count()"
            await run(slow)
            self._tells_progress(run, able)
            assert "progress" not in [kind for kind, _ in driver.written(2)]
            running = asyncio.create_task(run("print('begun', flush=True)\nimport time; time.sleep(600)"))
            begun = ("stream", {"name": "stdout", "text": "begun\n"})
            if able.streams:
                await until_async(lambda: begun in run.seen)
            else:
                await asyncio.sleep(1)
                assert begun not in run.seen
            await self._completes(driver, able)
            await self._inspects(driver, able)
            await driver.interrupt()
            assert (await asyncio.wait_for(running, 120)).status == "error"
            table = await run("select 1 as n", kind="sql")
            assert table.status == "ok"
            assert run.seen[-1][1]["data"]["application/json"]["data"] == [[1]]
            driver.renew_token("another")
        finally:
            await driver.end("done")
        ending = await driver.ended
        assert (ending.asked, ending.reason) == (True, "done")
        assert list(driver.written(4)) == run.output, "what was written is there after the end"
        with pytest.raises(StartError):
            await run("1")
        await backend.close()

    def _tells_progress(self, run, able):
        progress = [Progress.of(content) for kind, content in run.seen if kind == "progress"]
        assert bool(progress) == able.tells_progress
        if progress:
            assert progress[0].active
            assert {(each.stages, each.tasks) for each in progress} == {(1, 4)}
            assert max(each.tasks_done for each in progress) > 0

    async def _completes(self, driver, able):
        async def completed():
            return await driver.complete("x = spark.ran", 13)

        # On a busy machine an answer that takes too long is none.
        found = await until_async(completed, wanted=lambda found: "range" in found.matches or not able.completes_python)
        assert ("range" in found.matches) == able.completes_python
        assert (found.start, found.end) == (10, 13)

    async def _inspects(self, driver, able):
        if not able.inspects:
            with pytest.raises(NotOfferedError):
                await driver.inspect("spark.range", 11)
            return

        async def explained():
            return await driver.inspect("spark.range", 11)

        known = await until_async(explained, wanted=lambda known: known.found)
        assert (known.found, "start" in known.data["text/plain"]) == (True, True)
        assert not (await driver.inspect("no_such_name", 5)).found

    def test_a_driver_is_found_again_by_a_later_service_with_what_it_did_meanwhile(self):
        async def ask():
            request = self.request(session_id=2)
            driver = await self.make_backend().start(request)
            await asyncio.wait_for(asyncio.shield(driver.ready), 120)
            run = _Runner(driver)
            code = "import time\nfor i in range(30):\n    print(i, flush=True)\n    time.sleep(0.1)\n'over'"
            first = asyncio.create_task(run(code))
            await asyncio.sleep(1)
            # In JSON, as a journal keeps it.
            state = json.loads(json.dumps(driver.state))
            driver.detach()
            first.cancel()
            await asyncio.sleep(0.5)
            later = self.make_backend()
            found = await later.recover(request, state)
            await later.prepare(known={2})
            try:
                assert found.ready.done()
                again = _Runner(found)
                assert (await again.resume(code, 0)).status == "ok"
                printed = "".join(content["text"] for kind, content in again.seen if kind == "stream")
                apart = self.able.tells_values_apart
                assert printed == "".join(f"{i}\n" for i in range(30)) + ("" if apart else "'over'\n")
                assert (await again.resume(code, 0)).status == "ok", "one that has ended meanwhile"
                never = await again.resume("'never begun'", 1)
                assert (never.status, again.seen[-1][0]) == ("ok", "execute_result" if apart else "stream")
            finally:
                await found.end("done")
            assert (await (await later.recover(request, state)).ended).asked is False
            await later.close()

        asyncio.run(ask())

    def test_what_can_not_be_started_is_told_beforehand(self):
        async def ask():
            backend = self.make_backend()
            await backend.check(self.request().shape, owner=ADA)
            with refusal(self.able):
                await backend.check(self.too_much().shape, owner=ADA)
            await backend.close()

        asyncio.run(ask())

    def test_a_start_that_can_not_be_is_refused_with_a_sentence_and_leaves_nothing(self):
        async def ask():
            backend = self.make_backend()
            with refusal(self.able):
                await (await backend.start(self.too_much())).end("there was room for it")
            driver = await backend.start(self.request(session_id=1))
            await driver.end("at once")
            assert isinstance(driver.ready.exception(), StartError)
            await backend.close()

        asyncio.run(ask())


def refusal(able):
    """That something which can't be had is refused, by an engine that knows what there is."""
    return pytest.raises(StartError, match="GPUs were asked for") if able.counts_resources else nullcontext()


class _Runner:
    """Runs statements one after the other and keeps what the last one wrote."""

    def __init__(self, driver):
        self._driver = driver
        self._numbers = itertools.count()
        self.seen = []

    @property
    def output(self):
        return [item for item in self.seen if item[0] != "progress"]

    async def __call__(self, code, kind="pyspark", **more):
        return await self._follow(self._driver.execute, code, next(self._numbers), kind, **more)

    async def resume(self, code, number):
        return await self._follow(self._driver.resume, code, number, "pyspark")

    async def _follow(self, run, code, number, kind, **more):
        self.seen = []
        return await run(code, kind=kind, statement=number, on_message=lambda *item: self.seen.append(item), **more)


class TestBuiltinSessions(SessionBackendContract):
    @pytest.fixture(autouse=True)
    def _home(self):
        root = Path(tempfile.mkdtemp(prefix="contract-"))
        (root / "environments" / "projects").mkdir(parents=True)
        base = REPOSITORY / ".hopslab" / "environments" / "base"
        (root / "environments" / "base").symlink_to(base)
        (root / "environments" / "projects" / "weather").symlink_to(base)
        (root / "projects" / "weather" / "Jupyter").mkdir(parents=True)
        self.home, self.kept = Home(root), root / "kept"
        yield
        left = list((root / "run" / "sessions").glob("*"))
        shutil.rmtree(root)
        assert left == []

    def make_backend(self):
        return BuiltinSessions(
            self.home, control_plane_url="http://127.0.0.1:9/", gpus=GpuLedger(2), memory=MemoryLedger(), start_s=120
        )
