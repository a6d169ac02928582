"""The end of a session's log, which is shown wherever the session is."""

from __future__ import annotations

import time

from hops_livy.engines.drivers import Driver

_LINES = 10
"""As Livy does."""
_GOOD_S = 1.0
"""Whoever lists sessions again and again costs one reading of each log in that time; for news there is the log."""


class LogEnd:
    """The last lines of one driver's log, of which a part may be a second old."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._read = -_GOOD_S

    def shown(self, driver: Driver | None, why: str, *, whole: bool) -> list[str]:
        """At most ten lines.

        Args:
            driver: Whose log it is, once there is one.
            why: The reason of the session's state, which comes last; empty if there is none.
            whole: Whether it is to be read in any case.
        """
        now = time.monotonic()
        if driver is not None and (whole or now - self._read >= _GOOD_S):
            self._lines, self._read = driver.log()[-_LINES:], now
        return [*self._lines, *filter(None, [why])][-_LINES:]
