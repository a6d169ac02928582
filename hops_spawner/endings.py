"""How a server ended that nobody stopped, for the page on which its user looks for it."""

from __future__ import annotations

import signal
from dataclasses import dataclass

_SIGNALLED = 128  # a shell and a container add the signal's number to it


@dataclass(frozen=True, slots=True)
class Ending:
    """How a server ended by itself.

    Attributes:
        sentence: What happened, and what to do where that is known.
        log_tail: The last lines of its log; empty when there are none.
    """

    sentence: str
    log_tail: str = ""


def ending_of(status: int, *, log_tail: str = "") -> Ending:
    """The ending of a process with exit status ``status``; below zero, or above 128, a signal ended it."""
    number = -status if status < 0 else status - _SIGNALLED
    try:
        name = signal.Signals(number).name
    except ValueError:
        return Ending(f"It ended by itself, with exit status {status}.", log_tail)
    sentence = f"It did not stop in the usual way: the signal {name} ended it."
    if name == "SIGKILL":
        sentence += " The machine may have run out of memory; ask for less, or load less at a time."
    return Ending(sentence, log_tail)
