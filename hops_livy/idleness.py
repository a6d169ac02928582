"""Whether the machine has room and time to start something that nobody waits for."""

from __future__ import annotations

import psutil

from hops_contract.amounts import measured_memory_text, memory_text
from hops_livy.memory import free_memory_mib, whole_memory_mib

_BUSY_PERCENT = 70.0


class Idleness:
    """Looks at the machine.

    Args:
        leaves_mib: Memory that must stay free; default: a quarter of all that there is.
    """

    def __init__(self, leaves_mib: int | None = None) -> None:
        self._leaves_mib = whole_memory_mib() // 4 if leaves_mib is None else leaves_mib
        psutil.cpu_percent()  # the first answer says nothing

    def why_no_room(self, amount_mib: int) -> str | None:
        """Why ``amount_mib`` should not be used ahead, or ``None``."""
        free = free_memory_mib()
        if free - amount_mib >= self._leaves_mib:
            return None
        left = memory_text(self._leaves_mib)
        return f"{measured_memory_text(free)} of memory are free; {left} are left to sessions that are asked for."

    def idle(self) -> bool:
        """Whether the processors had little to do since this was last asked."""
        return psutil.cpu_percent() < _BUSY_PERCENT
