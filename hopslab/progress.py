"""Progress of long work, one line a step: ``[3/9] Project environment … 27 s``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO, TypeVar

T = TypeVar("T")
TENTHS_BELOW_S = 10
MINUTES_FROM_S = 120
READY = "ready"
"""What a step answers that had nothing to do."""


@dataclass
class Progress:
    """Prints numbered steps with the time that each took.

    Attributes:
        total: How many steps there are.
        done: How many have been before these.
        stream: Where to print; standard error where standard output carries data.
        timings: Seconds of each step that was run.
    """

    total: int
    done: int = 0
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    timings: dict[str, float] = field(default_factory=dict)

    def step(self, label: str, work: Callable[[], T]) -> T:
        """Run ``work`` as the next step, and pass on what it returns or raises.

        A text that ``work`` returns is shown in place of the time, for instance :data:`READY`.
        """
        self.done += 1
        print(f"[{self.done}/{self.total}] {label} … ", end="", file=self.stream, flush=True)
        started = time.monotonic()
        try:
            result = work()
        except BaseException:
            print("failed", file=self.stream, flush=True)
            raise
        seconds = time.monotonic() - started
        self.timings[label] = round(seconds, 3)
        print(result if isinstance(result, str) else duration(seconds), file=self.stream, flush=True)
        return result


def duration(seconds: float) -> str:
    """``seconds`` for people: ``0.4 s``, ``27 s``, ``2 min 5 s``."""
    if seconds < TENTHS_BELOW_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < MINUTES_FROM_S else f"{whole // 60} min {whole % 60} s"
