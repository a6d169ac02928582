"""Whether work that takes long may go on: rights can end while it waits for its turn, and while it is done."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOKED_AT_AGAIN_S = 10.0
"""How often it is looked whether a right still stands, while something is made or sent by it."""


class Leave:
    """The leave to do one piece of work, for one thread at a time.

    Args:
        look: Looks whether the right still stands, and raises a problem where it does not. What it raises ends the
            work, of which nothing is left then.
        every_s: How long one look counts while the work is done.
        looked: Whether it was looked at just now.
        take: Takes room for so many bytes in all, and raises a problem where there is none; by default there is.
    """

    def __init__(
        self,
        look: Callable[[], None],
        *,
        every_s: float = LOOKED_AT_AGAIN_S,
        looked: bool = False,
        take: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._take = take
        self._next_look = time.monotonic() + every_s if looked else 0.0

    @property
    def is_due(self) -> bool:
        """Whether the last look is too old."""
        return time.monotonic() >= self._next_look

    def check(self) -> None:
        """Looks now: when the work begins, and just before its result appears."""
        self._look()
        self._next_look = time.monotonic() + self._every_s

    def check_at_times(self) -> None:
        """Looks if the last look is too old; cheap enough to be called for each piece of a file."""
        if self.is_due:
            self.check()

    def take(self, size: int) -> None:
        """Takes room for so many bytes in all, before they come in; cheap enough to be called for each piece."""
        self._take(size)


def no_end() -> Leave:
    """The leave of the platform's own work, which no right ends."""
    return Leave(lambda: None)
