"""What the statements of a driver wrote, in files: of the session while it lives, and kept when it has ended."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hops_livy.builtin.folder import SessionFolder
from hops_livy.spooled import Spooled, read_spool, read_spool_file


class StatementOutputs:
    """The files of one session.

    Args:
        folder: The session's folder.
        kept: Where they are when the session has ended.
    """

    def __init__(self, folder: SessionFolder, kept: Path) -> None:
        self._folder = folder
        self._kept = kept

    def read(self, statement: int, *, ended: bool) -> Spooled:
        """What a statement wrote; nothing where there is no such file."""
        if ended:
            return read_spool_file(self._file(statement))
        try:
            return read_spool(self._folder.open_output(statement))
        except OSError:
            return Spooled()

    def forget(self, statement: int, *, ended: bool) -> None:
        """Removes it."""
        if not ended:
            self._folder.drop_output(statement)
        with contextlib.suppress(OSError):
            self._file(statement).unlink()

    def keep(self) -> None:
        """The session has ended: what is left of them goes where it is kept."""
        self._folder.keep_outputs(self._kept)

    def _file(self, statement: int) -> Path:
        return self._kept / f"{statement}.jsonl"
