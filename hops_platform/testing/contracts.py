"""The contract of each port as a test class. An adapter's test derives from it and gives the fixture ``engine``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hops_platform.engines.capacity import MachineCapacity
from hops_platform.engines.environments import ProjectEnvironments
from hops_platform.engines.hub import Hub, RunningServer, ServerState
from hops_platform.engines.logins import BrowserLogins
from hops_platform.engines.sessions import SparkSessions
from hops_platform.engines.storage import ProjectStorage
from hops_platform.engines.templates import ProjectTemplates
from hops_platform.errors import EngineRefusedError


class StorageContract:
    """What every :class:`~hops_platform.engines.storage.ProjectStorage` does."""

    def test_making_datasets_twice_is_making_them_once(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter", "Logs"])
        engine.create_datasets("weather", ["Jupyter", "Logs"])

    def test_a_trashed_projects_name_can_be_used_again(self, engine: ProjectStorage) -> None:
        """Also several times, so that nothing in the trash stands in the way."""
        for _ in range(3):
            engine.create_datasets("weather", ["Jupyter"])
            engine.trash_project("weather")

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

    def test_a_stopped_server_is_no_longer_ready(self, engine: Hub) -> None:
        """Whether the Hub needs time for it or not."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        engine.stop_server("ada", "weather")
        assert engine.server("ada", "weather").state in (ServerState.STOPPING, ServerState.STOPPED)  # noqa: S101

    def test_servers_of_one_user_are_apart(self, engine: Hub) -> None:
        """A server belongs to a project."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert engine.server("ada", "tides").state is ServerState.STOPPED  # noqa: S101

    def test_a_server_is_among_those_that_run_once_it_was_started(self, engine: Hub) -> None:
        """By its user and its project, and no other."""
        assert not [one for one in engine.running_servers() if one.name == "weather"]  # noqa: S101
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert [one for one in engine.running_servers() if one.name == "weather"] == [  # noqa: S101
            RunningServer("ada", "weather")
        ]


class LoginsContract:
    """What every :class:`~hops_platform.engines.logins.BrowserLogins` does.

    Beside ``engine`` an adapter's test gives the fixture ``authorize``: it plays the browser of ada, who is logged in
    at the Hub, goes to an address, and tells the code that the browser is sent back with.
    """

    def test_a_log_in_ends_with_the_user(self, engine: BrowserLogins, authorize: Callable[[str], str]) -> None:
        """The whole way of a browser."""
        address, verifier = engine.begin("the-state")
        assert "the-state" in address  # noqa: S101
        token = engine.finish(authorize(address), verifier=verifier)
        assert engine.person_of(token) is None  # noqa: S101
        for _ in range(2):
            assert engine.user_of(token, hub_session="") == "ada"  # noqa: S101
            assert engine.person_of(token) == "ada"  # noqa: S101
        engine.end_all("ada")
        assert engine.person_of(token) is None  # noqa: S101

    def test_a_code_is_good_for_one_log_in(self, engine: BrowserLogins, authorize: Callable[[str], str]) -> None:
        """Whoever finds it later, in a history for instance, gets nothing."""
        address, verifier = engine.begin("the-state")
        code = authorize(address)
        engine.finish(code, verifier=verifier)
        with pytest.raises(EngineRefusedError):
            engine.finish(code, verifier=verifier)

    def test_a_code_is_of_no_use_without_the_verifier(
        self, engine: BrowserLogins, authorize: Callable[[str], str]
    ) -> None:
        """It was made for the browser that began."""
        address, _ = engine.begin("the-state")
        with pytest.raises(EngineRefusedError):
            engine.finish(authorize(address), verifier="another" * 8)

    def test_a_made_up_code_is_refused(self, engine: BrowserLogins) -> None:
        """Nobody is logged in by guessing."""
        _, verifier = engine.begin("the-state")
        with pytest.raises(EngineRefusedError):
            engine.finish("made-up", verifier=verifier)

    def test_a_made_up_token_is_nobodys(self, engine: BrowserLogins) -> None:
        """The cookie comes from the browser and may hold anything."""
        assert engine.user_of("made-up", hub_session="") is None  # noqa: S101
        assert engine.person_of("made-up") is None  # noqa: S101


class TemplatesContract:
    """What every :class:`~hops_platform.engines.templates.ProjectTemplates` does."""

    def test_filling_twice_is_filling_once(self, engine: ProjectTemplates) -> None:
        """Deliveries come at least once."""
        engine.fill("weather", title="Weather")
        engine.fill("weather", title="Weather")


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
        assert not engine.is_current("weather")  # noqa: S101
        engine.create("weather")
        assert engine.prefix("weather") != engine.prefix("tides")  # noqa: S101
        engine.create("weather")
        assert engine.is_current("weather")  # noqa: S101
        assert not engine.is_current("tides")  # noqa: S101
        engine.remove("weather")
        engine.remove("weather")
        assert not engine.is_current("weather")  # noqa: S101


class CapacityContract:
    """What every :class:`~hops_platform.engines.capacity.MachineCapacity` does."""

    def test_there_is_something_to_use(self, engine: MachineCapacity) -> None:
        """Nothing runs without a core and memory."""
        capacity = engine.read()
        assert capacity.cores >= 1  # noqa: S101
        assert capacity.memory_mib >= 1  # noqa: S101
