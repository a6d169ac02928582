"""What is done again and again in a running control plane."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

LOG = logging.getLogger("hops.recurring")


class Recurring:
    """A thread that does something after each interval, whether or not it worked.

    Args:
        name: For the log.
        action: What is done; several processes may do it at the same time.
        interval_s: Seconds in between.
        at_start: Whether it is done at the start as well.
    """

    def __init__(self, name: str, action: Callable[[], None], *, interval_s: float, at_start: bool = True) -> None:
        self._name = name
        self._action = action
        self._interval_s = interval_s
        self._at_start = at_start
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"recurring-{name}", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 2.0) -> None:
        """Ends the thread; what is being done has so long to end, or goes with the process."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        pause_s = 0.0 if self._at_start else self._interval_s
        while not self._stopping.wait(pause_s):
            pause_s = self._interval_s
            try:
                self._action()
            except Exception:
                # Whatever goes wrong once must not end what keeps the platform clean.
                LOG.exception("%s: not done; tried again in %.0f s", self._name, self._interval_s)
