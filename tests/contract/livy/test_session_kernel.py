"""What the session's kernel and its client rely on in ipykernel, without Spark: interrupts bound to one statement."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hops_livy.builtin.kernel_client import KernelClient, connection_info
from tests.waiting import until_async

_ROUNDS = 60
_NUMBERS = itertools.count()
DRIVER = Path(__file__).resolve().parents[3] / "hops_livy" / "driver"
PROGRAM = f"""
import sys
sys.path.append({str(DRIVER)!r})
from pathlib import Path
from tornado.ioloop import IOLoop
from hops_session.session_app import SessionApp
from hops_session.session_kernel import SessionKernel
app = SessionApp.instance(kernel_class=SessionKernel, connection_file=sys.argv[1], capture_fd_output=False)
app.initialize(["--ipython-dir=" + sys.argv[2]])
IOLoop.current().add_callback(Path(sys.argv[3]).touch)
app.start()
"""


@contextlib.asynccontextmanager
async def _kernel():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ipython").mkdir()
        connection = folder / "kernel.json"
        info = connection_info(str(folder / "k"))
        connection.write_text(json.dumps(info))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-c", PROGRAM, str(connection), str(folder / "ipython"),
            str(folder / "ready"),
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        client = KernelClient(info, on_refused=pytest.fail)
        try:
            while not (folder / "ready").exists():
                assert process.returncode is None
                await asyncio.sleep(0.05)
            client.connect()
            await client.open()
            yield client
        finally:
            client.close()
            process.kill()
            await process.wait()


async def _run(client, code, *, interrupt_after=None, when_begun=None):
    """Runs code; ``when_begun`` is called when it has printed ``begun``."""
    shown = []

    def heard(_id, kind, content):
        shown.append((kind, content))

    running = asyncio.create_task(client.execute(code, heard, statement=next(_NUMBERS)))
    if interrupt_after is not None:
        await asyncio.sleep(interrupt_after)
        client.interrupt()
    if when_begun is not None:
        await until_async(lambda: "begun" in str(shown))
        when_begun()
    return await asyncio.wait_for(running, 90), shown


def _law(check):
    async def with_kernel():
        async with _kernel() as client:
            await check(client)

    asyncio.run(with_kernel())


def test_an_interrupt_that_comes_as_its_statement_ends_never_meets_the_next_one():
    async def check(client):
        await _run(client, "import time")
        ended = {"ok": 0, "error": 0}
        for number in range(_ROUNDS):
            first, _ = await _run(client, "time.sleep(0.01)", interrupt_after=number / _ROUNDS * 0.02)
            second, shown = await _run(client, "time.sleep(0.01); 'whole'")
            assert second.status == "ok", f"round {number}: {second.error}"
            assert shown[-1][1]["data"]["text/plain"] == "'whole'"
            ended[first.status] += 1
        assert ended["error"] > 0, "some were interrupted"

    _law(check)


@pytest.mark.parametrize(
    "code",
    ["import time; time.sleep(600)", "import asyncio\nawait asyncio.sleep(600)", "while True: pass"],
    ids=["sleeping", "awaiting", "computing"],
)
@pytest.mark.parametrize("after", [0, 0.5], ids=["before it begins", "in the middle"])
def test_a_statement_is_interrupted_whatever_it_does(code, after):
    async def check(client):
        executed, _ = await _run(client, code, interrupt_after=after)
        assert executed.status == "error"
        assert (await _run(client, "1"))[0].status == "ok"

    _law(check)


def test_one_request_interrupts_once_though_it_is_repeated_until_it_has_acted():
    async def check(client):
        code = (
            "import time\ncaught = 0\nuntil = time.time() + 3\n"
            "while time.time() < until:\n"
            "    try:\n        print('begun', flush=True)\n        time.sleep(0.05)\n"
            "    except KeyboardInterrupt:\n        caught += 1\n"
            "caught"
        )
        executed, shown = await _run(client, code, when_begun=client.interrupt)
        assert executed.status == "ok"
        assert shown[-1][1]["data"]["text/plain"] == "1"

    _law(check)


def test_an_idle_kernel_is_not_interrupted():
    async def check(client):
        client.interrupt()
        assert (await _run(client, "'whole'"))[0].status == "ok"

    _law(check)


def test_the_kernel_tells_which_statement_runs():
    async def check(client):
        begun = asyncio.Event()
        code = "import time; print('begun', flush=True); time.sleep(600)"
        running = asyncio.create_task(_run(client, code, when_begun=begun.set))
        await begun.wait()
        (identity,) = client._running
        assert (await client._ask_control("state_request", {}))["running"] == identity
        client.interrupt()
        await running
        assert (await client._ask_control("state_request", {}))["running"] is None

    _law(check)


def test_a_reply_that_gets_lost_is_taken_from_the_kernels_memory():
    async def check(client):
        await _run(client, "import time")
        heard = client._replied
        client._replied = lambda message: None if message["msg_type"] == "execute_reply" else heard(message)
        lost, _ = await _run(client, "1/0")
        assert (lost.status, lost.error["ename"]) == ("error", "ZeroDivisionError")
        good, shown = await _run(client, "'whole'")
        assert (good.status, shown[-1][1]["data"]["text/plain"]) == ("ok", "'whole'")

    _law(check)


def test_nothing_is_lost_of_what_a_cell_writes_while_the_service_is_slow(tmp_path):
    written = tmp_path / "written"
    code = (
        "import pathlib\nfrom IPython.display import display\n"
        f"for number in range(5000): display(number)\npathlib.Path({str(written)!r}).touch()"
    )

    async def check(client):
        running = asyncio.create_task(_run(client, code))
        await asyncio.sleep(0.1)
        held_up = time.monotonic()
        while not written.exists():
            assert time.monotonic() - held_up < 40
            time.sleep(0.05)  # noqa: ASYNC251 - the service does nothing else meanwhile
        executed, shown = await running
        assert executed.status == "ok"
        assert [content["data"]["text/plain"] for _, content in shown] == [str(number) for number in range(5000)]

    _law(check)
