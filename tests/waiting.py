"""Waiting for what other threads, processes and browsers do: it comes about when the machine gets round to it.

A test that sends, starts or clicks something waits for the effect before it goes on. No fixed time is long enough on a
machine that has other work, and a bound costs nothing where all is well.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 60.0
"""Longer than anything takes that works, on a machine with ten times as much to do."""
_PAUSE_S = 0.05

T = TypeVar("T")


class TooLateError(AssertionError):
    """What was waited for did not come about."""


def until(
    look: Callable[[], T],
    told: object = "",
    *,
    wanted: Callable[[T], object] = bool,
    seconds: float = PATIENCE_S,
    pause_s: float = _PAUSE_S,
) -> T:
    """What ``look`` gives as soon as it is as ``wanted``.

    Args:
        look: Called again and again.
        told: What the error says beside the last that ``look`` gave; a callable is called for it.
        wanted: Tells whether that is it; else whatever is true.
        seconds: After so many without it the test fails.
        pause_s: Seconds between two calls.

    Raises:
        TooLateError: It was never so.
    """
    end = time.monotonic() + seconds
    while not wanted(found := look()):
        if time.monotonic() > end:
            raise _too_late(found, told, seconds)
        time.sleep(pause_s)
    return found


async def until_async(
    look: Callable[[], T | Awaitable[T]],
    told: object = "",
    *,
    wanted: Callable[[T], object] = bool,
    seconds: float = PATIENCE_S,
    pause_s: float = 0.005,
) -> T:
    """As :func:`until`, while the event loop goes on; ``look`` may give something to be awaited."""
    end = time.monotonic() + seconds
    while not wanted(found := await _of(look())):
        if time.monotonic() > end:
            raise _too_late(found, told, seconds)
        await asyncio.sleep(pause_s)
    return found


async def _of(found: T | Awaitable[T]) -> T:
    return await found if inspect.isawaitable(found) else found


def _too_late(found: object, told: object, seconds: float) -> TooLateError:
    words = told() if callable(told) else told
    return TooLateError(f"It did not come about in {seconds:g} s; the last was {found!r}. {words}".rstrip())
