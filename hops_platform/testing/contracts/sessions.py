"""The contract of Spark sessions."""

from __future__ import annotations

from hops_platform.engines.sessions import SparkSessions


class SessionsContract:
    """What every :class:`~hops_platform.engines.sessions.SparkSessions` does."""

    def test_ending_twice_is_ending_once(self, engine: SparkSessions) -> None:
        """Deliveries come at least once."""
        engine.end_all("weather__ada")
        engine.end_all("weather__ada")
