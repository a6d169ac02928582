"""What a driver wrote: its end is read, and it never fills the disk."""

from __future__ import annotations

import contextlib
import os

from hops_livy.builtin.folder import SessionFolder

_TAIL_BYTES = 256 * 1024
_MOST_BYTES = 32 * 1024 * 1024


class DriverLog:
    """The log of one session.

    Args:
        folder: The session's folder.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self._folder = folder
        self._last: list[str] = []

    def lines(self) -> list[str]:
        """The last lines; once the folder is wiped, those that were read last."""
        with contextlib.suppress(OSError), os.fdopen(self._folder.open_log(os.O_RDONLY), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            self._last = file.read().decode(errors="replace").splitlines()
        return self._last

    def bound(self) -> None:
        """Empties it where it has become too long."""
        with contextlib.suppress(OSError), os.fdopen(self._folder.open_log(os.O_WRONLY), "wb") as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                file.truncate(0)
