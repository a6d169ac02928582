"""The contract of the Hub."""

from __future__ import annotations

from hops_platform.engines.hub import Hub, RunningServer, ServerState


class HubContract:
    """What every :class:`~hops_platform.engines.hub.Hub` does."""

    def test_a_server_that_never_was_is_stopped(self, engine: Hub) -> None:
        """There is nothing to fail on."""
        assert engine.server("ada", "weather").state is ServerState.STOPPED

    def test_a_started_server_is_starting_or_ready(self, engine: Hub) -> None:
        """Also for a user whom the Hub does not know yet, and when it is started twice."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert engine.server("ada", "weather").state in (ServerState.STARTING, ServerState.READY)

    def test_stopping_what_does_not_run_does_nothing(self, engine: Hub) -> None:
        """Deliveries come at least once."""
        engine.stop_server("ada", "weather")
        engine.stop_server("ada", "weather")

    def test_a_stopped_server_is_no_longer_ready(self, engine: Hub) -> None:
        """Whether the Hub needs time for it or not."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        engine.stop_server("ada", "weather")
        assert engine.server("ada", "weather").state in (ServerState.STOPPING, ServerState.STOPPED)

    def test_servers_of_one_user_are_apart(self, engine: Hub) -> None:
        """A server belongs to a project."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert engine.server("ada", "tides").state is ServerState.STOPPED

    def test_a_server_is_among_those_that_run_once_it_was_started(self, engine: Hub) -> None:
        """By its user and its project, and no other."""
        assert not [one for one in engine.running_servers() if one.name == "weather"]
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert [one for one in engine.running_servers() if one.name == "weather"] == [RunningServer("ada", "weather")]
