"""A file that is read over the network: it can be sought in, and no more of it is held than one piece."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from hops_platform.errors import EngineUnavailableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Fetch = Callable[[int], AbstractContextManager[Iterator[bytes]]]
_SKIPPED = 256 * 1024
"""So many bytes are sooner read than asked for anew."""


class RangeReader(io.RawIOBase):
    """Reads on where it is, and asks anew where somebody seeks.

    Args:
        size: Bytes of the file.
        fetch: Asks for the bytes from a position on, in pieces.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._size = size
        self._fetch = fetch
        self._position = 0
        self._open = ExitStack()
        self._pieces: Iterator[bytes] | None = None
        self._at = 0  # where what is still to come of the pieces begins
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes elsewhere; nothing is asked for before something is read."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("There is nothing before the beginning of a file.")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Where it is."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Reads what is there.

        Raises:
            EngineUnavailableError: The file ended before its end: it was cut, or the connection broke.
        """
        target = memoryview(buffer).cast("B")
        if not target or self._position >= self._size:
            return 0
        self._go()
        while not self._rest:
            self._rest = self._next()
        taken = min(len(target), len(self._rest), self._size - self._position)
        target[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        self._position += taken
        self._at += taken
        return taken

    def close(self) -> None:
        """Hangs up."""
        self._open.close()
        self._pieces = None
        super().close()

    def _go(self) -> None:
        if self._pieces is not None and 0 <= self._position - self._at <= _SKIPPED:
            while self._at < self._position:
                if not self._rest:
                    self._rest = self._next()
                skipped = min(len(self._rest), self._position - self._at)
                self._rest = self._rest[skipped:]
                self._at += skipped
            return
        self._open.close()
        self._rest = memoryview(b"")
        self._pieces = self._open.enter_context(self._fetch(self._position))
        self._at = self._position

    def _next(self) -> memoryview:
        piece = next(self._pieces, None) if self._pieces is not None else None
        if piece is None:
            raise EngineUnavailableError("The file ended before its end.", remedy="Read it again.", retry_after_s=2)
        return memoryview(piece)
