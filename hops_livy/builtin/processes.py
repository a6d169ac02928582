"""Finds and ends all processes of a session, also those that left its process group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

GRACE_S = 3.0
AT_ONCE_S = 0.25
"""Time that processes have that are ended at once: enough for what ends by itself when it is asked."""
_GIVE_UP_S = 20.0
_POLL_S = 0.05
_KIB_OF_A_MIB = 1024
REMEMBERED_S = 5.0
"""For so long a driver is believed to listen where it did, or not to."""
# Whoever asks for many pages of sessions that name false ports takes no thread from what else the service does.
_LOOKS = ThreadPoolExecutor(2, thread_name_prefix="listeners")
_LET_GO: list[subprocess.Popen[bytes]] = []


def start_time(pid: int) -> float | None:
    """When process ``pid`` was started; with it a process id names one process for ever."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


class DriverProcess:
    """A process that is watched whoever started it: this service, or one before it.

    Args:
        pid: Its id.
        started: When it was started; the id alone may name another one by now.
        child: Set for a child of this process, which has to be reaped.

    Raises:
        ProcessLookupError: There is no such process any more.
    """

    def __init__(self, pid: int, started: float | None, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.returncode: int | None = None
        """Exit status; unknown of one that this service did not start."""
        self.peak_mib: int | None = None
        """The most memory that it, or a process that it waited for, had at once; unknown as above."""
        self.ended = False
        self._child = child
        self._descriptor = os.pidfd_open(pid)
        if child is None and start_time(pid) != started:
            os.close(self._descriptor)
            raise ProcessLookupError(pid)

    async def wait(self) -> None:
        """Returns when it has ended."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(self._descriptor, ended.set)
        try:
            await ended.wait()
            self.ended = True
            if self._child is not None:
                self._reap(self._child)
        finally:
            loop.remove_reader(self._descriptor)

    def _reap(self, child: subprocess.Popen[bytes]) -> None:
        """As ``child.wait()`` does, which leaves out what the process has used."""
        _, status, used = os.wait4(self.pid, 0)
        self.returncode = child.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mib = used.ru_maxrss // _KIB_OF_A_MIB

    def close(self) -> None:
        """Watches it no longer."""
        os.close(self._descriptor)
        if self._child is not None and not self.ended:
            # It works on; Python would complain about a child that nobody holds.
            _LET_GO.append(self._child)


def processes_of(leader: int, application: str) -> list[psutil.Process]:
    """All living processes of a session, and what these have started that has shed every sign of it.

    Code in a sandbox can take over its first process, in which all else has its root; that one's own parent,
    bubblewrap's process outside, it can't change.

    Args:
        leader: The driver's process id, which is also the id of its session of processes; -1 where it isn't known.
        application: The session's ``HOPS_APP_ID``, which its processes inherit.
    """
    return _with_those_below(_living(lambda process: _belongs(process, leader, application)))


def listens(leader: int, port: int) -> bool:
    """Whether one of the driver's own processes is who answers at ``port`` of 127.0.0.1.

    Args:
        leader: The driver's process id.
        port: What the driver told; the session's code can tell anything.
    """
    # Not every process of the session: one that only calls itself so would be believed.
    return any(
        connection.status == psutil.CONN_LISTEN
        and connection.laddr.port == port
        and connection.laddr.ip in {"127.0.0.1", "::ffff:127.0.0.1"}
        for process in _living(lambda process: os.getsid(process.pid) == leader)
        for connection in _connections(process)
    )


class Listeners:
    """Who listens where, remembered for some seconds.

    All processes are looked through for it, and one page of Spark with its files asks twenty times. That nobody listens
    is remembered as well: the port is told once it is there, and a false one would be looked for at each request.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[float, bool]] = {}
        self._look = asyncio.Lock()

    async def is_there(self, leader: int, port: int) -> bool:
        """See :func:`listens`."""
        loop = asyncio.get_running_loop()
        # Those that ask while somebody looks take what is found.
        async with self._look:
            until, found = self._known.get((leader, port), (0.0, False))
            if until <= loop.time():
                begun = loop.time()
                found = await loop.run_in_executor(_LOOKS, listens, leader, port)
                self._known = {(leader, port): (begun + REMEMBERED_S, found)}
            return found


async def end_processes(leader: int, application: str, *, grace_s: float = GRACE_S) -> bool:
    """Ends them all: asked first, and killed after ``grace_s``. Returns whether all are gone."""
    return await _end(lambda: processes_of(leader, application), grace_s)


async def end_strays(token_file: str) -> bool:
    """The same for the processes of a session of which only its folder is left: they know their token's path."""
    return await _end(
        lambda: _with_those_below(_living(lambda process: process.environ().get("HOPS_TOKEN_FILE") == token_file))
    )


async def _end(find: Callable[[], list[psutil.Process]], grace_s: float = GRACE_S) -> bool:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    asked: set[int] = set()
    alive: set[psutil.Process] = set()
    seen_none = False

    def look() -> set[psutil.Process]:
        # Whose parent has ended already is found no more, and not forgotten.
        return {process for process in alive if _lives(process)} | set(find())

    while True:
        alive = await asyncio.to_thread(look)
        if not alive and seen_none:
            return True
        # A process that is just becoming another program shows no environment: it takes a second look to be sure.
        seen_none = not alive
        elapsed = loop.time() - begun
        if alive and elapsed > _GIVE_UP_S:
            return False
        for process in alive:
            with contextlib.suppress(psutil.Error):
                if elapsed > grace_s:
                    process.kill()
                elif process.pid not in asked:
                    asked.add(process.pid)
                    process.send_signal(signal.SIGTERM)
        await asyncio.sleep(_POLL_S)


def _living(wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    own = os.getpid()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != own and process.status() != psutil.STATUS_ZOMBIE and wanted(process):
                found.append(process)
    return found


def _with_those_below(processes: list[psutil.Process]) -> list[psutil.Process]:
    if not processes:
        return []
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            children.setdefault(process.ppid(), []).append(process)
    found, new = set(processes), list(processes)
    while new:
        for child in children.get(new.pop().pid, ()):
            if child not in found and _lives(child):
                found.add(child)
                new.append(child)
    return list(found)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, OSError):
        return False


def _connections(process: psutil.Process) -> list[Any]:
    try:
        return list(process.net_connections("tcp"))
    except (psutil.Error, OSError):
        return []


def _belongs(process: psutil.Process, leader: int, application: str) -> bool:
    return os.getsid(process.pid) == leader or process.environ().get("HOPS_APP_ID") == application
