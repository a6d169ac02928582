"""What must be known of a session to find it again after the service was restarted or killed: a file of its own.

One JSON object a line, appended as things happen; what statements wrote lies in files beside it or with the driver. The
session's own code can't reach it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hops_contract.layout import numbered
from hops_contract.private_files import write_private
from hops_contract.wiping import wipe_folder

LOG = logging.getLogger(__name__)
_GROWN_BYTES = 8 * 1024 * 1024
Entry = dict[str, Any]


class Journal:
    """The folder in which one session is written down.

    Args:
        folder: ``run/session-records/<id>``; made with the first entry.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "journal.jsonl"
        self._token = folder / "token.jwt"
        self._size = 0
        self._rewritten_size = 0
        self._told = False
        self._removed = False

    @property
    def outputs(self) -> Path:
        """Where the files with statements' outputs go when their driver has ended."""
        return self.folder / "outputs"

    @property
    def grown(self) -> bool:
        """Whether it holds much more than when it was written anew."""
        return self._size > 2 * self._rewritten_size + _GROWN_BYTES

    def write(self, entry: Entry) -> None:
        """Appends an entry. A disk that is full stops no session; a service that comes later then knows less."""
        if self._removed:
            return
        try:
            line = _line(entry).encode()
            self._make()
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
            self._size += len(line)
        except (OSError, ValueError, RecursionError) as error:
            self._complain(error)

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Puts ``entries`` in the place of all that was written before."""
        if self._removed:
            return
        try:
            text = "".join(_line(entry) for entry in entries)
            self._make()
            write_private(self._file, text)
            self._size = self._rewritten_size = len(text)
        except (OSError, ValueError, RecursionError) as error:
            self._complain(error)

    def read(self) -> Iterator[Entry]:
        """The entries; a line that was not written whole is passed over."""
        with contextlib.suppress(OSError), self._file.open("rb") as file:
            for line in file:
                self._size += len(line)
                with contextlib.suppress(ValueError, RecursionError):
                    entry = json.loads(line)
                    if isinstance(entry, dict):
                        yield entry

    def keep_token(self, token: str) -> None:
        """Keeps the session's token, to renew it later on. Never logged."""
        if self._removed:
            return
        try:
            self._make()
            write_private(self._token, token)
        except OSError as error:
            self._complain(error)

    def token(self) -> str | None:
        """The token that was kept."""
        try:
            return self._token.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def forget_token(self) -> None:
        """The session has ended and needs none."""
        with contextlib.suppress(OSError):
            self._token.unlink()

    def remove(self) -> None:
        """The session is forgotten: what is still told of it is written down no more."""
        self._removed = True
        wipe_folder(self.folder)

    def _make(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _complain(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            LOG.warning("session %s can't be written down: %s", self.folder.name, reason)


def journals(folder: Path) -> list[Journal]:
    """The journals below ``folder``, by their sessions' numbers."""
    return [Journal(path) for path in numbered(folder).values() if path.is_dir()]


def _line(entry: Entry) -> str:
    # Of ASCII alone: as many bytes as letters.
    return json.dumps(entry, separators=(",", ":"), default=str) + "\n"
