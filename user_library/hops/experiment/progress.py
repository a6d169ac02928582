"""Shows how far a run is: updated in place in a notebook, as lines on standard error elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

MIME_TYPE = "application/vnd.hops.progress+json"
PERIOD_S = 0.25
LINE_PERIOD_S = 5.0


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        total: Number of trials.
        done: Trials that have ended, failed ones included.
        failed: Trials that have failed.
        running: Trials that run now.
        label: What runs, and the best metric so far.
    """

    total: int
    done: int
    failed: int
    running: int
    label: str

    def bundle(self) -> dict[str, Any]:
        """As a notebook displays it."""
        return {
            MIME_TYPE: {
                "total": self.total,
                "done": self.done,
                "failed": self.failed,
                "running": self.running,
                "label": self.label,
            },
            "text/plain": str(self),
        }

    def __str__(self) -> str:
        parts = [f"{self.done} of {self.total} trials done"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.running:
            parts.append(f"{self.running} running")
        return f"{self.label}: {', '.join(parts)}"


class ProgressDisplay:
    """The display of one run."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._in_notebook = _in_notebook()
        self._last: Progress | None = None
        self._shown_at = 0.0

    def show(self, progress: Progress, *, final: bool = False) -> None:
        """Shows a state; what changes faster than people read is left out, the final state never."""
        period = PERIOD_S if self._in_notebook else LINE_PERIOD_S
        if progress == self._last or (not final and self._last and time.monotonic() - self._shown_at < period):
            return
        self._last, self._shown_at = progress, time.monotonic()
        if not self._in_notebook:
            print(progress, file=sys.stderr, flush=True)
        elif self._handle is None:
            from IPython.display import display

            self._handle = display(progress.bundle(), raw=True, display_id=True)
        else:
            self._handle.update(progress.bundle(), raw=True)


def _in_notebook() -> bool:
    """Whether displays can be updated: IPython runs, with a front end behind it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and getattr(shell, "kernel", None) is not None
