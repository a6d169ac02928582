"""What is shown of a file, and how much of it may be."""

from __future__ import annotations

from typing import Any

Shown = dict[str, Any]
"""A preview as JSON; see :class:`hops_platform.previews.schemas.PreviewAnswer`."""
MOST_READ = 1024 * 1024
"""Bytes of a file of text that are looked at."""
MOST_COLUMNS = 100
_MOST_OF_CELL = 200


class UnreadableError(Exception):
    """The file is not what its name says; the message says so to whoever looks at it."""


class Budget:
    """How much may still be shown.

    Args:
        size: Bytes of UTF-8.
    """

    def __init__(self, size: int) -> None:
        self.left = size
        self.cut = False

    def take(self, text: str, most: int | None = None) -> str:
        """As much of ``text`` as may be shown."""
        if most is not None and len(text) > most:
            text, self.cut = text[:most] + "\N{HORIZONTAL ELLIPSIS}", True
        # Of a very long text no more is encoded than could be shown.
        encoded = text[: self.left + 1].encode(errors="replace")
        if len(encoded) > self.left:
            self.cut = True
            encoded = encoded[: self.left]
        self.left -= len(encoded)
        return encoded.decode(errors="ignore")

    def cell(self, value: object) -> str | None:
        """A cell of a table."""
        return None if value is None else self.take(value if isinstance(value, str) else str(value), _MOST_OF_CELL)

    @property
    def spent(self) -> bool:
        """Whether nothing more may be shown."""
        return self.left <= 0


def nothing(note: str) -> Shown:
    """No preview, and why."""
    return {"kind": "none", "note": note}
