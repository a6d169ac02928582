"""Finds and ends all processes of a session, also those that left its process group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

import psutil

_GRACE_S = 3.0
_GIVE_UP_S = 20.0
_POLL_S = 0.05


def start_time(pid: int) -> float | None:
    """When process ``pid`` was started; with it a process id names one process for ever."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def processes_of(leader: int, application: str) -> list[psutil.Process]:
    """All living processes of a session.

    Args:
        leader: The driver's process id, which is also the id of its session of processes.
        application: The session's ``HOPS_APP_ID``, which its processes inherit.
    """
    return [process for process in _all() if _belongs(process, leader, application)]


async def end_processes(leader: int, application: str) -> bool:
    """Ends them all: asked first, then killed. Returns whether all are gone."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    asked: set[int] = set()
    seen_none = False
    while True:
        alive = await asyncio.to_thread(processes_of, leader, application)
        if not alive and seen_none:
            return True
        # A process that is just becoming another program shows no environment: it takes a second look to be sure.
        seen_none = not alive
        elapsed = loop.time() - begun
        if alive and elapsed > _GIVE_UP_S:
            return False
        for process in alive:
            with contextlib.suppress(psutil.Error):
                if elapsed > _GRACE_S:
                    process.kill()
                elif process.pid not in asked:
                    asked.add(process.pid)
                    process.send_signal(signal.SIGTERM)
        await asyncio.sleep(_POLL_S)


def _all() -> Iterator[psutil.Process]:
    own = os.getpid()
    return (process for process in psutil.process_iter() if process.pid != own)


def _belongs(process: psutil.Process, leader: int, application: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if os.getsid(process.pid) == leader:
            return True
        return bool(process.environ().get("HOPS_APP_ID") == application)
    except (psutil.Error, OSError):
        return False
