"""``output.log`` of a trial: each line with the time it was written, readable while the trial runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from hops._storage import Location

REMOTE_PERIOD_S = 2.0
MAX_LINE_BYTES = 64 * 1024
MAX_LOG_BYTES = 256 * 1024 * 1024
_CUT = b"The rest of the output was left out: the log holds 256 MiB already.\n"


class Journal:
    """Writes what a process prints line by line, with ISO timestamps.

    On HDFS, lines are sent together every two seconds.
    """

    def __init__(self, place: Location) -> None:
        self._place = place
        self._rest = b""
        self._pending = bytearray()
        self._sent_at = time.monotonic()
        self._size = 0
        self._file = open(place.path, "ab", buffering=0) if place.is_local else None  # noqa: PTH123, SIM115
        if self._file is None:
            place.write(b"")

    def take(self, chunk: bytes) -> None:
        """Takes up a part of the output; whole lines are written, the last one waits for its end."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        if lines:
            self._write(lines)

    def end(self) -> None:
        """The output has ended, whether its last line has or not."""
        if self._rest:
            self._write([self._rest])
        self._rest = b""

    def note(self, text: str) -> None:
        """Adds a text of the library's own."""
        self._write([line.encode(errors="backslashreplace") for line in text.splitlines()])

    def send_what_is_due(self) -> None:
        """Sends the lines that have waited long enough."""
        if self._file is not None or time.monotonic() - self._sent_at > REMOTE_PERIOD_S:
            self._send()

    def close(self) -> None:
        """Sends what is left."""
        try:
            self._send()
        finally:
            if self._file is not None:
                self._file.close()

    def _write(self, lines: list[bytes]) -> None:
        # Of a progress bar that was drawn over and over, the last drawing counts, as on a terminal.
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        text = b"".join(stamp + b" " + line.rstrip(b"\r").rpartition(b"\r")[2] + b"\n" for line in lines)
        if self._size > MAX_LOG_BYTES:
            return
        self._size += len(text)
        self._pending += text if self._size <= MAX_LOG_BYTES else _CUT
        self.send_what_is_due()

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
