"""The contract of what the machine has."""

from __future__ import annotations

from hops_platform.engines.capacity import MachineCapacity


class CapacityContract:
    """What every :class:`~hops_platform.engines.capacity.MachineCapacity` does."""

    def test_there_is_something_to_use(self, engine: MachineCapacity) -> None:
        """Nothing runs without a core and memory."""
        capacity = engine.read()
        assert capacity.cores >= 1
        assert capacity.memory_mib >= 1
