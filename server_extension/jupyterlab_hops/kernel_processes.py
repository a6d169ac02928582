"""Which processes a kernel is, and was a moment ago."""

from __future__ import annotations

from collections import OrderedDict, deque

_MOST_KERNELS = 500
_OF_ONE = 2
"""The one that it is and the one before: who asks why a kernel has ended may ask when it runs again."""


class KernelProcesses:
    """Numbers of kernels' processes, as this notebook server sees them; of kernels that are gone too."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, deque[int]] = OrderedDict()

    def note(self, kernel: str, pid: int) -> None:
        """A process of a kernel was started."""
        self._known.setdefault(kernel, deque(maxlen=_OF_ONE)).append(pid)
        self._known.move_to_end(kernel)
        if len(self._known) > _MOST_KERNELS:
            self._known.popitem(last=False)

    def of(self, kernel: str) -> frozenset[int]:
        """The processes of a kernel; none of one that was never started here."""
        return frozenset(self._known.get(kernel, ()))
