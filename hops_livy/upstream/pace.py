"""How often Apache Livy is asked: it tells nothing by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_FIRST_S, _LONGEST_S, _GROWTH = 0.005, 0.5, 1.5
_AWAY_LONGEST_S = 5.0
_LIST_S, _LIST_STARTING_S, _LISTS_PER_S = 1.0, 0.5, 4.0
_PROBE_S, _PROBES_PER_S = 1.0, 10.0
_HEARTBEAT_S = 60.0


def statement_pauses() -> Iterator[float]:
    """Seconds between the questions for one statement: short ones at first, half a second in the end."""
    pause = _FIRST_S
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_S)


def away_pause(failures: int) -> float:
    """Seconds until Livy is asked again that has not answered ``failures`` times in a row."""
    return min(0.25 * 2.0 ** min(failures, 10), _AWAY_LONGEST_S)


def list_pause(pages: int, *, starting: bool) -> float:
    """Seconds from one list of all sessions to the next: no more than four pages are asked for in a second.

    Args:
        pages: How many requests the last one took.
        starting: Whether somebody waits for a session that is about to start.
    """
    return max(_LIST_STARTING_S if starting else _LIST_S, pages / _LISTS_PER_S)


def probe_pause(sessions: int) -> float:
    """Seconds between two questions to one driver where there are so many: no more than ten drivers in a second."""
    return max(_PROBE_S, sessions / _PROBES_PER_S)


def heartbeat_pause(deserted_s: float) -> float:
    """Seconds after which a session is asked for by itself, since lists don't tell Livy that it is cared for.

    Args:
        deserted_s: After so many seconds in which nobody asked for it Livy ends it.
    """
    return min(_HEARTBEAT_S, deserted_s / 4)
