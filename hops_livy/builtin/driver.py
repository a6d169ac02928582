"""One driver of the built-in backend: its process, its kernel, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from hops_livy.builtin.endings import out_of_memory, why_ended
from hops_livy.builtin.folder import SessionFolder
from hops_livy.builtin.kernel_client import KernelClient
from hops_livy.builtin.processes import end_processes, start_time
from hops_livy.engines.drivers import DriverRequest, Ending, Executed, MessageHandler, StartError

LOG = logging.getLogger(__name__)
_PROGRAM = Path(__file__).parent.parent / "driver" / "hops_session" / "__main__.py"
_LOG_TAIL_BYTES = 256 * 1024
_LOG_LIMIT_BYTES = 32 * 1024 * 1024
_LOG_CHECK_S = 15.0
_MOST_STATUS_LINES = 100
_MOST_REASON = 2000
# The cell magics of the session that run what is not Python.
_CELL_OF = {"sql": "%%hops_sql\n", "spark": "%%hops_scala\n"}


class BuiltinDriver:
    """See :class:`~hops_livy.engines.drivers.Driver`.

    Args:
        request: What was asked for.
        folder: The session's folder, filled already.
        application: The session's ``HOPS_APP_ID``.
        start_s: After so many seconds the start has failed.
        on_gone: Called when all processes are gone.
    """

    def __init__(
        self,
        request: DriverRequest,
        folder: SessionFolder,
        *,
        application: str,
        start_s: float,
        on_gone: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Ending] = loop.create_future()
        self._request = request
        self._folder = folder
        self._application = application
        self._start_s = start_s
        self._on_gone = on_gone
        self._client: KernelClient | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._failure: str | None = None
        self._java_code: int | None = None
        self._asked: str | None = None
        self._stop = asyncio.Event()
        self._last_log: list[str] = []
        self._life: asyncio.Task[None] | None = None
        # A start that fails is told by `ended` too; nobody need look at both.
        self.ready.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def app_id(self) -> str | None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return self._application

    async def launch(self, python: Path, environment: dict[str, str], cwd: Path) -> None:
        """Starts the process and watches it from then on."""
        reading, writing = os.pipe()
        try:
            with self._folder.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    str(python),
                    "-P",
                    str(_PROGRAM),
                    str(self._folder.launch),
                    str(writing),
                    cwd=cwd,
                    env=environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(writing,),
                )
        except OSError as error:
            os.close(reading)
            raise StartError(f"The Python of the project's environment can't be started: {error.strerror}.") from error
        finally:
            os.close(writing)
        self._folder.write_json(
            self._folder.record,
            {"application": self._application, "pid": self._process.pid, "started": start_time(self._process.pid)},
        )
        self._life = asyncio.create_task(self._live(self._process, reading))

    async def execute(self, code: str, *, kind: str, on_message: MessageHandler) -> Executed:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._client is None or self.ended.done():
            raise StartError("The session has ended.")
        try:
            executed = await self._client.execute(_CELL_OF.get(kind, "") + code, on_message)
        except asyncio.CancelledError:
            if self._stop.is_set() or (self._process is not None and self._process.returncode is not None):
                raise StartError("The session ended while the statement ran.") from None
            raise
        return self._explained(executed)

    async def interrupt(self) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._client is not None:
            self._client.interrupt()

    async def complete(self, code: str, cursor: int, *, kind: str = "pyspark") -> list[str]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._client is None:
            return []
        cell = _CELL_OF.get(kind, "")
        try:
            return await self._client.complete(cell + code, len(cell) + cursor)
        except asyncio.CancelledError:
            if self._stop.is_set():
                return []
            raise

    def log(self) -> list[str]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        try:
            with os.fdopen(self._folder.open_log(os.O_RDONLY), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _LOG_TAIL_BYTES))
                self._last_log = file.read().decode(errors="replace").splitlines()
        except OSError:
            pass  # wiped already; what was read last is the log
        return self._last_log

    def renew_token(self, token: str) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if not self.ended.done():
            self._folder.write_secret(self._folder.token, token)

    async def end(self, reason: str) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._asked is None:
            self._asked = reason
        self._stop.set()
        await asyncio.shield(self.ended)

    async def _live(self, process: asyncio.subprocess.Process, reading: int) -> None:
        watched = [
            asyncio.create_task(process.wait()),
            asyncio.create_task(self._stop.wait()),
            asyncio.create_task(self._read_status(reading)),
        ]
        minder = asyncio.create_task(self._mind())
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if not self._stop.is_set():
            # Both ends of the driver end within moments of one another; the first to speak isn't always the cause.
            await asyncio.wait(watched[:2], timeout=0.3, return_when=asyncio.FIRST_COMPLETED)
        gone_by_itself = process.returncode
        was_ready = self.ready.done()
        self._stop.set()
        minder.cancel()
        if self._client is not None:
            self._client.close()
        if not await end_processes(process.pid, self._application):
            LOG.error("processes of session %d can't be ended", self._request.session_id)
        await process.wait()
        for task in watched:
            task.cancel()
        reason = self._asked or why_ended(
            shape=self._request.shape,
            code=gone_by_itself,
            java_code=self._java_code,
            failure=self._failure,
            log=self.log(),
            was_ready=was_ready,
        )
        self.log()
        self._folder.wipe()
        self._on_gone()
        if not self.ready.done():
            self.ready.set_exception(StartError(reason))
        self.ended.set_result(Ending(reason=reason, code=gone_by_itself, asked=self._asked is not None))

    async def _read_status(self, reading: int) -> None:
        """Returns when the driver has failed; waits for ever when it merely closed the pipe."""
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", buffering=0)
        )
        try:
            for _ in range(_MOST_STATUS_LINES):
                line = await _next_line(stream)
                if not line or await self._told(line):
                    break
            else:
                LOG.warning("session %d tells too much of its start; no more is read", self._request.session_id)
                line = b""
            if line:
                return
            await asyncio.Event().wait()
        finally:
            transport.close()

    async def _told(self, line: bytes) -> bool:
        """Acts on a line, which the session's code can write as well as the driver; returns whether it was the last."""
        try:
            status = json.loads(line)
            stage = status.get("stage")
        except (ValueError, AttributeError, RecursionError):
            LOG.warning("session %d tells its state in a line that is none", self._request.session_id)
            return False
        match stage:
            # What was told once is not told again.
            case "kernel_bound" if self._client is None and self._request.batch is None:
                self._client = KernelClient(self._folder.connection)
                self._client.connect()
            case "ready" if self._client is not None or self._request.batch is not None:
                if self._client is not None and not self.ready.done():
                    await self._client.open()
                if not self.ready.done():
                    self.ready.set_result(None)
            case "failed":
                self._failure = str(status.get("reason", ""))[:_MOST_REASON]
                code = status.get("jvm_code")
                self._java_code = code if isinstance(code, int) else None
                return True
            case "jvm_ended":
                code = status.get("code")
                self._java_code = code if isinstance(code, int) else None
                # A batch that has run ends its Java machine itself.
                return self._request.batch is None
        return False

    async def _mind(self) -> None:
        """Ends a start that takes too long, and keeps the log from filling the disk."""
        waited = 0.0
        while True:
            pause = _LOG_CHECK_S if self.ready.done() else min(1.0, self._start_s)
            await asyncio.sleep(pause)
            waited += pause
            if not self.ready.done() and waited >= self._start_s:
                self._asked = f"The session did not start in {self._start_s:.0f} seconds; see its log."
                self._stop.set()
            with contextlib.suppress(OSError), os.fdopen(self._folder.open_log(os.O_WRONLY), "wb") as file:
                if os.fstat(file.fileno()).st_size > _LOG_LIMIT_BYTES:
                    file.truncate(0)

    def _explained(self, executed: Executed) -> Executed:
        error = executed.error
        if error is None or "java.lang.OutOfMemoryError" not in str(error.get("evalue", "")):
            return executed
        return Executed(
            status="error", error={**error, "evalue": f"{out_of_memory(self._request.shape)}\n{error['evalue']}"}
        )


async def _next_line(stream: asyncio.StreamReader) -> bytes:
    """The next line; of one that is longer than any status, its end."""
    while True:
        try:
            return await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError as error:
            await stream.readexactly(error.consumed)
