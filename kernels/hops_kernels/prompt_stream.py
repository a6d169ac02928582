"""Standard output that costs nothing where nothing was written."""

from __future__ import annotations

from ipykernel.iostream import OutStream

NAME = f"{__name__}.PromptStream"
"""As ipykernel's application is told of it."""


class PromptStream(OutStream):
    """Waits for its thread only where there is something to be sent.

    ipykernel (7.4) flushes both streams six times for each cell, and each time two threads hand each other the
    interpreter: milliseconds of a small cell.
    """

    def flush(self) -> None:
        """Sends what was written; returns when it is on its way."""
        with self._buffer_lock:
            written = any(buffer.tell() for buffer in self._buffers.values())
        if written or self._flush_pending:
            super().flush()
