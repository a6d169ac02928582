"""The contract of what a new project begins with."""

from __future__ import annotations

from hops_platform.engines.templates import ProjectTemplates


class TemplatesContract:
    """What every :class:`~hops_platform.engines.templates.ProjectTemplates` does."""

    def test_filling_twice_is_filling_once(self, engine: ProjectTemplates) -> None:
        """Deliveries come at least once."""
        engine.fill("weather", title="Weather")
        engine.fill("weather", title="Weather")
