"""``output.log`` of a trial: each line with the time it was written, readable while the trial runs."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime

from hops._storage import Location

REMOTE_PERIOD_S = 2.0
MAX_LINE_BYTES = 64 * 1024
MAX_LOG_BYTES = 256 * 1024 * 1024
_CUT = b"The rest of the output was left out: the log holds 256 MiB already.\n"


class Journal:
    """Writes what arrives at a file descriptor line by line, with ISO timestamps.

    Safe for several threads. On HDFS, lines are sent together every two seconds.
    """

    def __init__(self, place: Location) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._pending = bytearray()
        self._sent_at = time.monotonic()
        self._size = 0
        self._closed = False
        self._file = open(place.path, "ab", buffering=0) if place.is_local else None  # noqa: PTH123, SIM115
        if self._file is None:
            place.write(b"")

    def follow(self, descriptor: int) -> None:
        """Writes all lines that come, until the other side is closed."""
        rest = b""
        while chunk := _read(descriptor):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_LINE_BYTES:
                lines, rest = [*lines, rest], b""
            if lines:
                self._write(lines)
        if rest:
            self._write([rest])
        os.close(descriptor)

    def note(self, text: str) -> None:
        """Adds a text of the library's own."""
        self._write([line.encode(errors="backslashreplace") for line in text.splitlines()])

    def close(self) -> None:
        """Sends what is left."""
        with self._lock:
            self._send()
            self._closed = True
            if self._file is not None:
                self._file.close()

    def _write(self, lines: list[bytes]) -> None:
        # Of a progress bar that was drawn over and over, the last drawing counts, as on a terminal.
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        text = b"".join(stamp + b" " + line.rstrip(b"\r").rpartition(b"\r")[2] + b"\n" for line in lines)
        with self._lock:
            if self._closed or self._size > MAX_LOG_BYTES:
                return
            self._size += len(text)
            self._pending += text if self._size <= MAX_LOG_BYTES else _CUT
            if self._file is not None or time.monotonic() - self._sent_at > REMOTE_PERIOD_S:
                self._send()

    def _send(self) -> None:
        if not self._pending:
            return
        data = bytes(self._pending)
        if self._file is not None:
            self._file.write(data)
        else:
            self._place.filesystem.append(self._place.path, data)
        self._pending.clear()
        self._sent_at = time.monotonic()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, MAX_LINE_BYTES)
    except OSError:
        return b""
