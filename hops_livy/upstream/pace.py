"""How often Apache Livy is asked: it tells nothing by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_FIRST_S, _LONGEST_S, _GROWTH = 0.005, 0.5, 1.5
_AWAY_LONGEST_S = 5.0
_LOOK_S, _LOOKS_PER_S = 2.0, 25.0


def statement_pauses() -> Iterator[float]:
    """Seconds between the questions for one statement: short ones at first, half a second in the end."""
    pause = _FIRST_S
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_S)


def away_pause(failures: int) -> float:
    """Seconds until Livy is asked again that has not answered ``failures`` times in a row."""
    return min(0.25 * 2.0 ** min(failures, 10), _AWAY_LONGEST_S)


def look_pause(sessions: int) -> float:
    """Seconds between two looks at a session where there are so many: all of them together are a bounded load."""
    return max(_LOOK_S, sessions / _LOOKS_PER_S)
