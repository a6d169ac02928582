"""What statements write, kept in files until the session service no longer needs it.

The kernel's output goes to the service by sockets. A service that is away hears nothing, and one that was killed has
forgotten what it heard; a later one reads it here. One file a statement, one JSON object a line.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

STATEMENT = "statement-"
"""What the id of a request begins with that runs a statement; the statement's number follows."""
KEPT_TYPES = frozenset(
    {"stream", "display_data", "update_display_data", "execute_result", "error", "clear_output", "execute_reply"}
)
BEGUN = b'{"id":"","type":"begun","content":{}}\n'
"""The first line of each file: the statement has reached the kernel."""
MOST_BYTES = 40 * 1024 * 1024
"""Of one statement's output; more than the service shows, be it in very many messages, each with its id."""


class Spool:
    """The files.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, parent_id: str) -> None:
        """Notes that the request ``parent_id`` has reached the kernel."""
        self._write(parent_id, BEGUN, whatever_size=True)

    def keep(self, parent_id: str, message_id: str, kind: str, content: bytes) -> None:
        """Keeps a message.

        Args:
            parent_id: Id of the request that it belongs to; others than statements are passed over.
            message_id: Its own id.
            kind: Its type; what is not shown is passed over.
            content: Its content, as JSON.
        """
        if kind in KEPT_TYPES:
            head = f'{{"id":"{message_id}","type":"{kind}","content":'.encode()
            self._write(parent_id, head + content + b"}\n", whatever_size=kind == "execute_reply")

    def _write(self, parent_id: str, line: bytes, *, whatever_size: bool) -> None:
        number = parent_id.removeprefix(STATEMENT)
        if number == parent_id or not number.isdecimal():
            return
        # A disk that is full must not stop the statement; only a service that comes later misses the line.
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
            descriptor = os.open(self._folder / f"{number}.jsonl", flags, 0o600)
            try:
                if whatever_size or os.fstat(descriptor).st_size + len(line) <= MOST_BYTES:
                    os.write(descriptor, line)
            finally:
                os.close(descriptor)
