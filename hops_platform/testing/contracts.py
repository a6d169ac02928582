"""The contract of each port as a test class. An adapter's test derives from it and gives the fixture ``engine``."""

from __future__ import annotations

from hops_platform.engines.capacity import MachineCapacity
from hops_platform.engines.environments import ProjectEnvironments
from hops_platform.engines.hub import Hub, ServerState
from hops_platform.engines.sessions import SparkSessions
from hops_platform.engines.storage import ProjectStorage


class StorageContract:
    """What every :class:`~hops_platform.engines.storage.ProjectStorage` does."""

    def test_making_datasets_twice_is_making_them_once(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter", "Logs"])
        engine.create_datasets("weather", ["Jupyter", "Logs"])

    def test_trashing_what_is_not_there_does_nothing(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter"])
        engine.trash_project("weather")
        engine.trash_project("weather")

    def test_projects_have_addresses_of_their_own(self, engine: ProjectStorage) -> None:
        """No two projects share a folder."""
        assert engine.project_address("weather") != engine.project_address("tides")  # noqa: S101


class HubContract:
    """What every :class:`~hops_platform.engines.hub.Hub` does."""

    def test_a_server_that_never_was_is_stopped(self, engine: Hub) -> None:
        """There is nothing to fail on."""
        assert engine.server("ada", "weather").state is ServerState.STOPPED  # noqa: S101

    def test_a_started_server_is_starting_or_ready(self, engine: Hub) -> None:
        """Also for a user whom the Hub does not know yet, and when it is started twice."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert engine.server("ada", "weather").state in (ServerState.STARTING, ServerState.READY)  # noqa: S101

    def test_stopping_what_does_not_run_does_nothing(self, engine: Hub) -> None:
        """Deliveries come at least once."""
        engine.stop_server("ada", "weather")
        engine.stop_server("ada", "weather")


class SessionsContract:
    """What every :class:`~hops_platform.engines.sessions.SparkSessions` does."""

    def test_ending_twice_is_ending_once(self, engine: SparkSessions) -> None:
        """Deliveries come at least once."""
        engine.end_all("weather__ada")
        engine.end_all("weather__ada")


class EnvironmentsContract:
    """What every :class:`~hops_platform.engines.environments.ProjectEnvironments` does."""

    def test_making_and_removing_can_be_repeated(self, engine: ProjectEnvironments) -> None:
        """Deliveries come at least once."""
        engine.create("weather")
        engine.create("weather")
        engine.remove("weather")
        engine.remove("weather")


class CapacityContract:
    """What every :class:`~hops_platform.engines.capacity.MachineCapacity` does."""

    def test_there_is_something_to_use(self, engine: MachineCapacity) -> None:
        """Nothing runs without a core and memory."""
        capacity = engine.read()
        assert capacity.cores >= 1  # noqa: S101
        assert capacity.memory_mib >= 1  # noqa: S101
