"""What was left behind on the disk is removed: at the start and every hour."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hops_platform.database import now

LOG = logging.getLogger("hops.sweeping")
LEFT_BEHIND = timedelta(days=1)
_EVERY_S = 3600.0


class Sweeper:
    """A thread that sweeps.

    Args:
        sweeps: Each removes what nobody has touched since a moment.
        every_s: Seconds from one round to the next.
    """

    def __init__(self, sweeps: Sequence[Callable[[datetime], None]], *, every_s: float = _EVERY_S) -> None:
        self._sweeps = sweeps
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweeper", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after what it does just now, and does not wait for that."""
        self._stopping.set()

    def sweep_once(self) -> None:
        """One round; what fails is logged, and tried again in the next."""
        for sweep in self._sweeps:
            try:
                sweep(now() - LEFT_BEHIND)
            except Exception:
                LOG.exception("what was left behind can't be removed; it is tried again")

    def _work(self) -> None:
        self.sweep_once()
        while not self._stopping.wait(self._every_s):
            self.sweep_once()
