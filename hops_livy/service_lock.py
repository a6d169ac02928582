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
    """A lock that the system gives back when its holder ends, in whatever way. Sessions look whether it is held.

    Args:
        file: The file to lock.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
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
                return

    def give_back(self) -> None:
        """Gives it back; safe to repeat."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
