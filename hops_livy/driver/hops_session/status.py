"""Tells the session service how far the start has come: one JSON object a line, in a file and to whoever listens.

The file is for a service that comes later; the socket's message is for the one that is there now, which need not look
at the file again and again.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any


class Status:
    """What is told.

    Args:
        journal: The file.
        listener: Path of the datagram socket that a service listens on. Each one that comes binds it anew.
    """

    def __init__(self, journal: Path, listener: Path) -> None:
        self._journal = journal
        self._listener = str(listener)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def tell(self, stage: str, **details: Any) -> None:
        """Reports that ``stage`` has been reached. A service that has gone away is not an error here."""
        line = (json.dumps({"stage": stage, **details}) + "\n").encode()
        with contextlib.suppress(OSError):
            # The session's code can put a pipe there that nobody reads: who waited for a reader would tell no end.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
            descriptor = os.open(self._journal, flags, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        with contextlib.suppress(OSError):
            self._socket.sendto(line, self._listener)
