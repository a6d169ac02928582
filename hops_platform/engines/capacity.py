"""What there is to give to notebook servers."""

from __future__ import annotations

from typing import Protocol

from hops_contract.options import Capacity


class MachineCapacity(Protocol):
    """Cores, memory and GPUs of the machine or the cluster."""

    def read(self) -> Capacity:
        """What there is in all, used or not."""
        ...
