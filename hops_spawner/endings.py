"""How a server ended that nobody stopped: the same words on the page where its user looks for it, and in REST."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

AGAIN = "Start it again; if it ends so once more, show its log to an administrator."
_IDLE = re.compile(r"No kernels for \d+ seconds; shutting down")
"""What Jupyter's server logs when its idle time is over; it ends with status 0, as when its user shuts it down."""
_SIGNALLED = 128  # a shell and a container add the signal's number to it


@dataclass(frozen=True, slots=True)
class Ending:
    """How a server ended by itself.

    Attributes:
        sentence: What happened, and what to do where that is known.
        log_tail: The last lines of its log; empty when there are none.
        remedy: What its user can do.
        usual: Whether it ended as it was to, so that nobody has to look into the log.
    """

    sentence: str
    log_tail: str = ""
    remedy: str = AGAIN
    usual: bool = False


def read_ending(kept: Mapping[str, Any]) -> Ending:
    """An ending from the Hub's database, where a Hub of before may have written less."""
    known = {field.name for field in fields(Ending)}
    return Ending(**{name: value for name, value in kept.items() if name in known})


def usual_ending(log_tail: str, *, idle_minutes: int | None) -> Ending:
    """The ending of a server that went by itself, without a fault.

    Args:
        log_tail: The last lines of its log.
        idle_minutes: Its idle time, where that is known.
    """
    if _IDLE.search(log_tail) is None:
        return Ending("It was shut down from inside.", remedy="Start it again when you need it.", usual=True)
    span = "" if idle_minutes is None else f" of {idle_minutes} minutes" if idle_minutes > 1 else " of a minute"
    return Ending(
        f"Nothing was done in it for its idle time{span}, so it ended.",
        remedy="Start it again when you need it; the idle time is one of the options of a start.",
        usual=True,
    )


def unwatched_ending(log_tail: str) -> Ending:
    """The ending of a server that ran already when the Hub was started: nobody is told its exit status.

    Args:
        log_tail: The last lines of its log.
    """
    if _IDLE.search(log_tail) is not None:
        return usual_ending(log_tail, idle_minutes=None)
    return Ending("It ended by itself. How is not known, as the Hub was started anew while it ran.", log_tail)


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
