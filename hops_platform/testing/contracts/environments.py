"""The contract of projects' environments."""

from __future__ import annotations

from hops_platform.engines.environments import ProjectEnvironments


class EnvironmentsContract:
    """What every :class:`~hops_platform.engines.environments.ProjectEnvironments` does."""

    def test_making_and_removing_can_be_repeated(self, engine: ProjectEnvironments) -> None:
        """Deliveries come at least once."""
        assert not engine.is_current("weather")
        engine.create("weather")
        assert engine.prefix("weather") != engine.prefix("tides")
        engine.create("weather")
        assert engine.is_current("weather")
        assert not engine.is_current("tides")
        engine.remove("weather")
        engine.remove("weather")
        assert not engine.is_current("weather")
