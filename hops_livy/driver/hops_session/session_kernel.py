"""IPython's kernel with interrupts that are bound to one statement."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from traitlets import Type

from .canceller import Canceller
from .progress import MESSAGE, Progress
from .session_shell import SessionShell
from .spark_jobs import SparkJobs

EXECUTION_COUNT = "hops_execution_count"
"""Where a request's metadata tell the number of the cell."""
_CANCEL_S = 10.0
_LOOK_S = 2.0
_STOPPED_S = 1.0
"""For so long a session whose Spark was stopped waits for the statement that starts it again."""
_OF_A_REPLY = ("status", "ename", "evalue", "traceback")
SCALA_CELL = "%%hops_scala\n"
"""What a Scala statement begins with."""


class SessionKernel(IPythonKernel):
    """An interrupt names the statement that it is for, and stops that statement and its Spark jobs or nothing.

    A bare SIGINT would stop whatever runs when it arrives: where its statement ends at that moment, the next one. So
    interrupts come as messages, and the main thread, which alone begins and ends statements, decides.
    """

    shell_class = Type(SessionShell)
    # ipykernel sleeps after each cell, in case that its output overtakes the reply; who listens waits for both.
    _execute_sleep = 0.0
    _jobs: SparkJobs | None = None
    _progress: Progress | None = None
    _began_ms: int = 0
    scala: Any = None
    """The session's Scala interpreter, once there is one."""
    _running: str | None = None
    _replied: tuple[str, dict[str, Any]] | None = None
    _asked: tuple[str, int] | None = None
    _delivered: tuple[str, int] | None = None
    _canceller: Canceller | None = None
    _coroutine: asyncio.Future[Any] | None = None
    _contexts: Any = None
    _end: Callable[[], None] | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.control_handlers["state_request"] = self.state_request
        self.control_handlers["work_request"] = self.work_request

    async def do_execute(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Runs a statement and keeps its reply, which may get lost on its way (ipykernel 7.4)."""
        identity = self.get_parent("shell")["header"]["msg_id"]
        reply = await self._execute(*arguments, **options)
        self._replied = (identity, reply)
        if self._is_spark_stopped():
            asyncio.get_running_loop().call_later(_STOPPED_S, self._end_without_spark)
        return reply

    async def _execute(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Runs a statement, which can be interrupted from here to the end of this method."""
        request = self.get_parent("shell")
        self._count_on(request["metadata"].get(EXECUTION_COUNT))
        if self._progress is not None:
            self._progress.begin(request)
        self._began_ms = int(time.time() * 1000)
        self._running = request["header"]["msg_id"]
        try:
            if (spool := getattr(self.session, "spool", None)) is not None:
                spool.begin(self._running)
            self._mark_jobs()
            reply: dict[str, Any] = await super().do_execute(*arguments, **options)
        except (KeyboardInterrupt, asyncio.CancelledError) as stopped:
            if isinstance(stopped, asyncio.CancelledError) and not self._was_delivered():
                raise
            # Before or after the user's code, where IPython doesn't expect one: without a reply nobody would learn it.
            return {"status": "error", "ename": "KeyboardInterrupt", "evalue": "", "traceback": []}
        else:
            return reply
        finally:
            self._running = None
            if self._progress is not None:
                self._progress.end()
            if self._canceller is not None:
                # Or it would stop the jobs of the next statement.
                self._canceller.wait(_CANCEL_S)
                self._canceller = None

    def _mark_jobs(self) -> None:
        # A Spark that was stopped has no jobs to mark.
        with contextlib.suppress(Exception):
            if self._jobs is not None and self._running is not None:
                self._jobs.mark(_tag(self._running))

    def follow_jobs(self, spark: Any) -> None:
        """Tells from now on how far the jobs of a statement have come, and ends them with it."""

        def send(request: dict[str, Any], content: dict[str, Any]) -> None:
            self.session.send(self.iopub_socket, MESSAGE, content, parent=request, ident=self._topic(MESSAGE))

        self._jobs = SparkJobs(spark)
        self._progress = Progress(self._jobs, send)
        self._progress.start()

    def end_with(self, spark: Any, end: Callable[[], None]) -> None:
        """Calls ``end`` soon after a statement that stops ``spark``, unless the next one has started another by then.

        Each statement after it would fail with Spark's own words, which don't say what to do.
        """
        self._contexts = type(spark.sparkContext)
        self._end = end

    def _is_spark_stopped(self) -> bool:
        return self._contexts is not None and self._contexts._active_spark_context is None  # noqa: SLF001

    def _end_without_spark(self) -> None:
        if self._end is not None and self._is_spark_stopped():
            self._end()

    def _count_on(self, number: object) -> None:
        """Gives the next statement the number that its cell has in the notebook, where one is told."""
        if isinstance(number, int) and number > 0 and self.shell is not None:
            self.shell.execution_count = number

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Words at the cursor; those of a Scala statement are the Scala interpreter's."""
        if not code.startswith(SCALA_CELL):
            reply: dict[str, Any] = super().do_complete(code, cursor_pos)
            return reply
        begin, matches = cursor_pos - len(SCALA_CELL), []
        if self.scala is not None:
            begin, matches = self.scala.complete(code.removeprefix(SCALA_CELL), begin)
        start = begin + len(SCALA_CELL)
        return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": cursor_pos, "metadata": {}}

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What is known of the name at the cursor; of one in a Scala statement the Scala interpreter tells it."""
        if not code.startswith(SCALA_CELL):
            reply: dict[str, Any] = super().do_inspect(code, cursor_pos, detail_level, omit_sections)
            return reply
        told = ""
        if self.scala is not None:
            told = self.scala.inspect(code.removeprefix(SCALA_CELL), cursor_pos - len(SCALA_CELL))
        return {"status": "ok", "found": bool(told), "data": {"text/plain": told} if told else {}, "metadata": {}}

    def _was_delivered(self) -> bool:
        return self._delivered is not None and self._delivered[0] == self._running

    async def state_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Tells which statement runs, if any, and the reply of the one that is asked about, if it was the last."""
        content: dict[str, Any] = {"status": "ok", "running": self._running}
        replied = self._replied
        if replied is not None and replied[0] == parent["content"].get("statement"):
            content["reply"] = {name: replied[1].get(name) for name in _OF_A_REPLY if name in replied[1]}
        self.session.send(stream, "state_reply", content, parent, ident=ident)

    async def work_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Tells whether Spark works, also where no statement runs: a streaming query, or a job of a thread."""
        works = False
        # A Java machine that does not answer does no work, and must not keep an interrupt from coming through.
        with contextlib.suppress(Exception):
            if self._jobs is not None:
                look = asyncio.get_running_loop().run_in_executor(None, self._jobs.any_work)
                works = await asyncio.wait_for(look, _LOOK_S)
        self.session.send(stream, "work_reply", {"status": "ok", "works": works}, parent, ident=ident)

    async def interrupt_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Interrupts the statement that the message names, if it runs; told again for one attempt, acts once."""
        content = parent["content"]
        asked = (str(content.get("statement")), int(content.get("attempt", 0)))
        if self._running == asked[0] and self._delivered != asked:
            self._asked = asked
            os.kill(os.getpid(), signal.SIGINT)
        reply = {"status": "ok", "delivered": self._delivered == asked}
        self.session.send(stream, "interrupt_reply", reply, parent, ident=ident)

    def pre_handler_hook(self) -> None:
        """Called before each message: ipykernel would set Python's own handler here, and pyspark's would never act."""
        self.saved_sigint_handler = signal.signal(signal.SIGINT, self._on_interrupt)

    def _on_interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        asked = self._asked
        if self._running is None:
            return
        if asked is not None and asked[0] == self._running:
            if asked == self._delivered:
                return
            self._delivered = asked
        elif asked is not None:
            # The statement that it was for has ended.
            self._asked = None
            return
        if self._jobs is not None:
            # The exception alone would leave the jobs running.
            self._canceller = Canceller(self._jobs, since_ms=self._began_ms, tag=_tag(self._running))
            self._canceller.start()
        if self._coroutine is None:
            raise KeyboardInterrupt
        # The exception would meet the event loop itself; this meets the cell where it awaits.
        self._coroutine.get_loop().call_soon_threadsafe(self._coroutine.cancel)

    @contextlib.contextmanager
    def _cancel_on_sigint(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """Around a cell that awaits. ipykernel's own (7.4) wakes another thread's loop, and the cell sleeps on."""
        self._coroutine = future
        try:
            yield
        finally:
            self._coroutine = None


def _tag(statement: str) -> str:
    # Spark separates tags by commas.
    return f"hops-{statement.replace(',', '_')}"
