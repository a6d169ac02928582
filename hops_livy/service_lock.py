"""One session service a home: two would each believe that the sessions are theirs."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

_PATIENCE_S = 10.0
_AGAIN_S = 0.1


class ServiceLockError(Exception):
    """Another session service of the same home is running."""


class ServiceLock:
    """A lock that the system gives back when its holder ends, in whatever way.

    Sessions look at another file, made anew each time: their code could hold whatever they can open.

    Args:
        file: The file to lock, out of sessions' reach.
        alive: The file that sessions look at.
    """

    def __init__(self, file: Path, *, alive: Path) -> None:
        self._file = file
        self._alive = alive
        self._shown: int | None = None
        self._descriptor: int | None = None

    async def take(self) -> None:
        """Takes it; one that has just been told to stop is waited for.

        Raises:
            ServiceLockError: It is held.
        """
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if loop.time() > until:
                    os.close(descriptor)
                    raise ServiceLockError(
                        "Another session service runs with the same HOPS_HOME; stop it first."
                    ) from None
                await asyncio.sleep(_AGAIN_S)
            else:
                self._descriptor = descriptor
                self._show()
                return

    def _show(self) -> None:
        self._alive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not where sessions look: their code could hold it in the moment before this service does.
        draft = self._file.with_name(f"{self._alive.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        self._shown = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._shown, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.replace(self._alive)

    def give_back(self) -> None:
        """Gives it back; safe to repeat."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._shown is not None:
            os.close(self._shown)
            self._shown = None
