"""One driver of the built-in backend: its process, its kernel, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hops_contract.keeping import why_limited
from hops_contract.shares import why_no_longer
from hops_livy.aside import aside
from hops_livy.builtin.driver_log import DriverLog
from hops_livy.builtin.endings import explained, was_lost, why_bounded, why_ended, why_lost, why_without_memory
from hops_livy.builtin.folder import SessionFolder
from hops_livy.builtin.joined import Joined
from hops_livy.builtin.kernel_client import KernelClient, executed
from hops_livy.builtin.page_way import PageWay
from hops_livy.builtin.processes import AT_ONCE_S, GRACE_S, DriverProcess, end_processes, start_time
from hops_livy.builtin.shortage import MemoryWatch, OomCounter
from hops_livy.builtin.statement_outputs import StatementOutputs
from hops_livy.builtin.told import MOST_BYTES, MOST_LINES, Told, ends, lines_of
from hops_livy.builtin.waiting import Waiting
from hops_livy.engines.drivers import (
    Completion,
    DriverRequest,
    Ending,
    Executed,
    Inspection,
    MessageHandler,
    SparkPages,
    StartError,
)
from hops_livy.masters.master import Cluster, ClusterError
from hops_livy.spooled import Spooled

LOG = logging.getLogger(__name__)
_LOG_CHECK_S = 15.0
_FOUND_S = 5.0
# The cell magics of the session that run what is not Python.
_CELL_OF = {"sql": "%%hops_sql\n", "spark": "%%hops_scala\n"}


class BuiltinDriver:
    """See :class:`~hops_livy.engines.drivers.Driver`.

    Args:
        request: What was asked for.
        folder: The session's folder, filled already.
        start_s: After so many seconds the start has failed.
        on_gone: Called when all processes are gone.
        gpus: Addresses of the GPUs that it was given.
        connection: How its kernel is reached; never read from the folder, where its code could change it.
        cluster: Where its executors run, when that is not this machine.
        page_key: What signs the tokens that its Spark's pages ask for.
        shared_view: What stands in the places of other projects' datasets; ``None`` where it sees none of them.
        own_network: Whether it has a network of its own, so that a socket leads to those pages.
    """

    def __init__(
        self,
        request: DriverRequest,
        folder: SessionFolder,
        *,
        start_s: float,
        on_gone: Callable[[], None],
        gpus: tuple[int, ...] = (),
        connection: dict[str, Any] | None = None,
        cluster: Cluster | None = None,
        page_key: str | None = None,
        shared_view: Path | None = None,
        own_network: bool = False,
        processes: int = 0,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Ending] = loop.create_future()
        self._request = request
        self._folder = folder
        self._start_s = start_s
        self._on_gone = on_gone
        self._gpus = gpus
        self._connection = connection
        self._cluster = cluster
        self._waiting = None if cluster is None else Waiting(cluster, request)
        self._pages = PageWay(request.session_id, key=page_key, socket=folder.pages_socket if own_network else None)
        self._shared_view = shared_view
        self._own_network = own_network
        self._processes = processes
        self._told = Told()
        self._memory = MemoryWatch(OomCounter())
        self._log = DriverLog(folder)
        self._outputs = StatementOutputs(folder, request.kept_outputs)
        self._client: KernelClient | None = None
        self._process: DriverProcess | None = None
        self._started: float | None = None
        self._found_again = False
        self._asked: str | None = None
        self._grace_s = GRACE_S
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        # A start that fails is told by `ended` too; nobody need look at both.
        self.ready.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def app_id(self) -> str | None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return self._request.application

    @property
    def state(self) -> dict[str, Any]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        pid = None if self._process is None else self._process.pid
        return {
            "pid": pid,
            "started": self._started,
            "gpus": list(self._gpus),
            "connection": self._connection,
            "page_key": self._pages.key,
            "own_network": self._own_network,
        }

    async def launch(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        """Starts the process and watches it from then on.

        Args:
            command: Runs :func:`~hops_livy.builtin.launch.driver_command`, in a sandbox or not.
            environment: All its variables.
            cwd: The folder that it works in.

        Raises:
            StartError: It can't be started.
            OSError: The session's folder can't be used.
        """
        listener = self._folder.listen_to_status()
        self._memory.look(None)
        try:
            with self._folder.log.open("ab") as log:
                child = await asyncio.to_thread(
                    subprocess.Popen,
                    command,
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            listener.close()
            raise StartError(f"The Python of the project's environment can't be started: {error.strerror}.") from error
        self._started = start_time(child.pid)
        self._process = DriverProcess(child.pid, self._started, child)
        self._life = asyncio.create_task(self._live(self._process, listener))

    async def adopt(self, state: dict[str, Any] | None) -> None:
        """Takes over the process of an earlier service, and returns when it is known what it does.

        Args:
            state: What :attr:`state` was.
        """
        self._found_again = True
        leader = -1
        try:
            if state is None:
                raise ProcessLookupError
            self._started = float(state["started"])
            self._process = DriverProcess(int(state["pid"]), self._started)
            leader = self._process.pid
            self._memory.look(leader)
            listener = self._folder.listen_to_status()
        except (OSError, KeyError, TypeError, ValueError):
            if self._process is not None:
                self._process.close()
            await self._lost(leader)
            return
        self._life = asyncio.create_task(self._live(self._process, listener))
        with contextlib.suppress(TimeoutError, StartError):
            await asyncio.wait_for(asyncio.shield(self.ready), _FOUND_S)

    async def execute(
        self,
        code: str,
        *,
        kind: str,
        statement: int,
        on_message: MessageHandler,
        execution_count: int | None = None,
    ) -> Executed:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        client = self._connected()
        return await self._until_ended(
            client.execute(
                _CELL_OF.get(kind, "") + code,
                lambda _id, name, content: on_message(name, content),
                statement=statement,
                execution_count=execution_count,
            )
        )

    async def resume(
        self,
        code: str,
        *,
        kind: str,
        statement: int,
        on_message: MessageHandler,
        execution_count: int | None = None,
    ) -> Executed:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        client = self._connected()
        if not (await aside(self._spooled, statement)).begun:
            await client.settle()
            if not (await aside(self._spooled, statement)).begun:
                return await self.execute(
                    code, kind=kind, statement=statement, on_message=on_message, execution_count=execution_count
                )
        # First listened, then read: what comes in between is met twice, and known by its id.
        joined = Joined(on_message)
        end = client.follow(joined.hear, statement=statement)
        try:
            spooled = await aside(self._spooled, statement)
            await joined.begin(spooled)
        except BaseException:
            end.close()
            client.let_go(statement)
            raise
        if spooled.reply is None:
            return await self._until_ended(end)
        end.close()
        client.let_go(statement)
        return self._explained(executed(spooled.reply))

    def written(self, statement: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        for message in self._spooled(statement).messages:
            yield message.kind, message.content

    def forget(self, statement: int) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        self._outputs.forget(statement, ended=self.ended.done())

    def _connected(self) -> KernelClient:
        if self._client is None or self.ended.done():
            raise StartError("The session has ended.")
        return self._client

    async def _until_ended(self, end: Any) -> Executed:
        try:
            return self._explained(await end)
        except asyncio.CancelledError:
            if self._stop.is_set() or (self._process is not None and self._process.ended):
                raise StartError("The session ended while the statement ran.") from None
            raise

    def _spooled(self, statement: int) -> Spooled:
        return self._outputs.read(statement, ended=self.ended.done())

    async def interrupt(self) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._client is not None:
            self._client.interrupt()

    async def works(self) -> bool:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._client is None:
            return False
        try:
            return await self._client.spark_works()
        except asyncio.CancelledError:
            if self._stop.is_set():
                return False
            raise

    async def complete(self, code: str, cursor: int, *, kind: str = "pyspark") -> Completion:
        """See :class:`~hops_livy.engines.drivers.Driver`. Of words in SQL none are known."""
        if self._client is None or kind == "sql":
            return Completion.nothing(cursor)
        cell = _CELL_OF.get(kind, "")
        try:
            found = await self._client.complete(cell + code, len(cell) + cursor)
            return found.without(len(cell))
        except asyncio.CancelledError:
            if self._stop.is_set():
                return Completion.nothing(cursor)
            raise

    async def inspect(self, code: str, cursor: int, *, kind: str = "pyspark", detail_level: int = 0) -> Inspection:
        """See :class:`~hops_livy.engines.drivers.Driver`. Of names in SQL nothing is known."""
        if self._client is None or kind == "sql":
            return Inspection()
        cell = _CELL_OF.get(kind, "")
        try:
            return await self._client.inspect(cell + code, len(cell) + cursor, detail_level=detail_level)
        except asyncio.CancelledError:
            if self._stop.is_set():
                return Inspection()
            raise

    def log(self) -> list[str]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return self._log.lines()

    @property
    def shows_pages(self) -> bool:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return self._told.page_port is not None and self._pages.key is not None and not self.ended.done()

    async def spark_pages(self) -> SparkPages | None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        process, port = self._process, self._told.page_port
        if process is None or port is None or self.ended.done():
            return None
        return await self._pages.find(process.pid, port)

    def renew_token(self, token: str) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if not self.ended.done():
            self._folder.write_secret(self._folder.token, token)

    async def end(self, reason: str, *, at_once: bool = False) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        # A cluster is told by the driver that its application has ended.
        if at_once and self._cluster is None:
            self._grace_s = AT_ONCE_S
        if self._asked is None:
            self._asked = reason
        self._stop.set()
        await asyncio.shield(self.ended)

    def detach(self) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._life is not None:
            self._life.cancel()
        if self._client is not None:
            self._client.close()

    async def _live(self, process: DriverProcess, listener: socket.socket) -> None:
        watched = [
            asyncio.create_task(process.wait()),
            asyncio.create_task(self._stop.wait()),
            asyncio.create_task(self._read_status(listener)),
        ]
        minders = [asyncio.create_task(self._mind())]
        if self._waiting is not None:
            minders.append(asyncio.create_task(self._waiting.follow(self.ready.done)))
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if not self._stop.is_set():
                # Both ends of the driver end within moments of one another; the first to speak isn't always the cause.
                await asyncio.wait(watched[:2], timeout=0.3, return_when=asyncio.FIRST_COMPLETED)
            by_itself = process.ended
            self._stop.set()
            if self._client is not None:
                self._client.close()
            ending = self._told_ending(process.returncode if by_itself else None)
            if not await end_processes(process.pid, self._request.application, grace_s=self._grace_s):
                LOG.error("processes of session %d can't be ended", self._request.session_id)
            await asyncio.wait(watched[:1])
        finally:
            for task in (*watched, *minders):
                task.cancel()
            await asyncio.wait([*watched, *minders])
            process.close()
        await self._finish(ending)

    async def _lost(self, leader: int) -> None:
        """It ended while no service was there to see it."""
        self._stop.set()
        for line in lines_of(self._folder.status):
            await self._act_on(line, live=False)
        if not await end_processes(leader, self._request.application):
            LOG.error("processes of session %d can't be ended", self._request.session_id)
        await self._finish(self._ending(None))

    def _told_ending(self, code: int | None) -> Ending:
        """Tells of it, if nobody asked for it. Whatever is wrong with the words, its processes have to end."""
        try:
            ending = self._ending(code)
            if not ending.asked:
                self._request.dies(ending)
        except Exception:
            LOG.exception("why session %d ends can't be told", self._request.session_id)
            return Ending(reason=self._asked or "The driver ended; why can't be told.", asked=self._asked is not None)
        return ending

    def _ending(self, code: int | None) -> Ending:
        code = self._told.code if code is None else code
        if self._asked is not None:
            return Ending(reason=self._asked, code=code, asked=True)
        if limited := why_limited(self._folder.limited):
            return Ending(reason=limited, code=code)
        reason = why_ended(
            shape=self._request.shape,
            code=code,
            java_code=self._told.java_code,
            failure=self._told.failure,
            log=self.log(),
            # A batch is ready before its own code runs.
            was_ready=self._told.was_ready and self._request.batch is None,
            apart=self._cluster is not None,
            memory=self._memory.at_end(peak_mib=self._peak_mib()),
        )
        return Ending(reason=reason, code=code)

    def _peak_mib(self) -> int | None:
        """What the system told when the process was waited for, else what its sandbox's first process told."""
        peaks = (self._told.peak_mib, None if self._process is None else self._process.peak_mib)
        return max((peak for peak in peaks if peak is not None), default=None)

    async def _finish(self, ending: Ending) -> None:
        self.log()
        if ending.asked:
            await self._leave_cluster()
        try:
            # The session's code may have left very many files.
            await asyncio.to_thread(self._outputs.keep)
            await asyncio.to_thread(self._folder.wipe)
        except Exception:
            LOG.exception("the folder of session %d can't be removed", self._request.session_id)
        finally:
            self._on_gone()
            if not self.ready.done():
                self.ready.set_exception(StartError(ending.reason))
                self.ready.exception()  # who waited for it may have gone by now
            self.ended.set_result(ending)
        if not ending.asked:
            # The cluster needs a moment to see a death.
            await self._leave_cluster()

    async def _leave_cluster(self) -> None:
        if self._cluster is None:
            return
        try:
            await self._cluster.release(self._request.application, self._request.owner.project_user)
        except ClusterError:
            # Its driver is gone: the cluster will find out by itself.
            LOG.warning("the cluster does not say whether it has let go of session %d", self._request.session_id)
        except Exception:
            LOG.exception("what session %d left on the cluster can't be ended", self._request.session_id)

    async def _read_status(self, listener: socket.socket) -> None:
        """Returns when the driver has failed; waits for ever when it says no more."""
        loop = asyncio.get_running_loop()
        try:
            known = lines_of(self._folder.status) if self._found_again else []
            # Who has ended meanwhile answers no more, however its beginning reads.
            live = not any(ends(line) for line in known)
            for line in known:
                if await self._act_on(line, live=live):
                    return
            for _ in range(MOST_LINES):
                if await self._act_on(await loop.sock_recv(listener, MOST_BYTES)):
                    return
            LOG.warning("session %d tells too much of its start; no more is read", self._request.session_id)
            await asyncio.Event().wait()
        finally:
            listener.close()

    async def _act_on(self, line: bytes, *, live: bool = True) -> bool:
        """Acts on a line of its status; returns whether it was the last.

        Args:
            line: One JSON object.
            live: Whether there is still a process to talk to.
        """
        try:
            stage = self._told.take(line)
        except ValueError:
            LOG.warning("session %d tells its state in a line that is none", self._request.session_id)
            return False
        match stage:
            # What was told once is not told again.
            case "kernel_bound" if live and self._client is None and self._connection is not None:
                self._client = KernelClient(self._connection, on_refused=self._cut_off)
                self._client.connect()
            case "ready":
                if self._waiting is not None and self._told.application is not None:
                    self._waiting.spark_application = self._told.application
                if live:
                    await self._be_ready()
            case "failed" | "driver_ended":
                return True
            case "jvm_ended":
                # A batch that has run ends its Java machine itself.
                return self._request.batch is None
        return False

    def _cut_off(self, reason: str) -> None:
        """Ends it: what it sends is no longer listened to."""
        if self._asked is None:
            self._asked = reason
        self._stop.set()

    async def _be_ready(self) -> None:
        if self.ready.done() or (self._client is None and self._request.batch is None):
            return
        if self._client is not None:
            await (self._client.open_again() if self._found_again else self._client.open())
        if not self.ready.done():
            self.ready.set_result(None)

    async def _mind(self) -> None:
        """Ends a start that takes too long, keeps the log from filling the disk, and looks at the memory."""
        waited = 0.0
        while True:
            pause = _LOG_CHECK_S if self.ready.done() else min(1.0, self._start_s)
            await asyncio.sleep(pause)
            if self._waiting is None or not self._waiting.has_no_room:
                # What the cluster has no room for may wait for as long as the cluster lets it.
                waited += pause
            if not self.ready.done() and waited >= self._start_s:
                waits = "" if self._waiting is None else self._waiting.text
                self._asked = f"The session did not start in {self._start_s:.0f} seconds; see its log. {waits}".strip()
                self._stop.set()
            self._memory.look(None if self._process is None else self._process.pid)
            self._log.bound()

    def _explained(self, end: Executed) -> Executed:
        return end if end.error is None else explained(end, self._why_failed(str(end.error.get("evalue", ""))))

    def _why_failed(self, said: str) -> str:
        """What the error of a statement means; empty where it speaks for itself."""
        shape, apart = self._request.shape, self._cluster is not None
        limited = why_limited(self._folder.limited)
        if why := why_bounded(said, limited=limited, processes=self._processes):
            return why
        if why := why_without_memory(said, shape=shape, apart=apart):
            return why
        if was_lost(said):
            return why_lost(said, shape=shape, memory=self._memory.at_end(), apart=apart)
        return "" if self._shared_view is None else why_no_longer(self._shared_view, said)
