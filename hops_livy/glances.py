"""Who lists their sessions looks at them: nobody's request is held then."""

from __future__ import annotations

import time
from collections.abc import Callable

SPAN_S = 5.0
_PROGRAM_CHARACTERS = 200


class Glances:
    """Which programs have just listed somebody's sessions.

    sparkmagic lists them for ``%%info`` and then asks for each of them, several times. Were these requests held while a
    session works, the table would be shown when all have finished. The same request, without a list before it, comes
    from who waits for a session; in a program that does both, it is answered at once for a while, as Livy does.

    Args:
        span_s: So long after a list nothing is held.
        clock: Tells seconds; they never go back.
    """

    def __init__(self, span_s: float = SPAN_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._span_s = span_s
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def begin(self, owner: str, program: str) -> None:
        """``program`` has listed the sessions of ``owner``."""
        now = self._clock()
        for key in [key for key, until in self._until.items() if until <= now]:
            del self._until[key]
        self._until[owner, program[:_PROGRAM_CHARACTERS]] = now + self._span_s

    def lasts(self, owner: str, program: str) -> bool:
        """Whether that was just now."""
        return self._until.get((owner, program[:_PROGRAM_CHARACTERS]), 0.0) > self._clock()
