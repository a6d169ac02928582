"""For how long a session stays that does nothing, or that no client asks for.

Moments are of the clock that only grows (``time.monotonic``), spans are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

_SILENT = 0.2
"""A client that has been silent for this share of its time has missed several of its signs of life."""


@dataclass(slots=True, kw_only=True)
class Timeouts:
    """When a session that does nothing ends; 0 means never."""

    idle_s: float = 0.0
    heartbeat_s: float = 0.0

    def end(self, now: float, *, last_active: float, last_heard: float) -> float | None:
        """When an idle session ends if nothing is run, or ``None``.

        That its client will be gone is not foreseen: only one that has been silent for long is believed to be.
        """
        ends = []
        if self.idle_s:
            ends.append(last_active + self.idle_s)
        heard = max(last_heard, last_active)
        if self.heartbeat_s and now - heard > self.heartbeat_s * _SILENT:
            ends.append(heard + self.heartbeat_s)
        return min(ends, default=None)

    def why_over(self, now: float, *, last_active: float, last_heard: float, notebook: str | None) -> str | None:
        """Why an idle session should end now, if it should."""
        if self.idle_s and now - last_active > self.idle_s:
            return f"Nothing was run for {_span(self.idle_s)}, the idle time of this session."
        # Whose notebook went away while a cell ran finds the session for as long after the cell's end.
        return self.why_unheard(now, last_heard=max(last_heard, last_active), notebook=notebook)

    def why_unheard(self, now: float, *, last_heard: float, notebook: str | None) -> str | None:
        """Why one should end for which no client has asked for long, if it should."""
        if not self.heartbeat_s or now - last_heard <= self.heartbeat_s:
            return None
        span = _span(self.heartbeat_s)
        if notebook is not None:
            return f"Its notebook was gone for {span}."
        return f"No client asked for this session for {span}."


def _span(seconds: float) -> str:
    """A span in the unit in which it is whole: ``15 minutes``, ``90 seconds``."""
    count, unit = (seconds / 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"{count:.0f} {unit}" if round(count) == 1 else f"{count:.0f} {unit}s"
