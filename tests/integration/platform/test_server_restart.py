"""A notebook server that asks to be stopped and started."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hops_contract.principal import ProjectRole
from hops_platform.database import now
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.environments.models import EnvironmentState
from hops_platform.environments.service import record_state
from hops_platform.outbox import Delivery
from hops_platform.servers.tasks import PATIENCE, start_server

from .conftest import ON_SQLITE

pytestmark = ON_SQLITE

PATH = "projects/weather/server:restart"
SERVER = ("ada", "weather")


@pytest.fixture
def running(hops: Any) -> Any:
    """A token of a project-user whose server runs with two executors."""
    hops.ready_project(hops.user("ada"))
    client = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    client.put("projects/weather/server", json={"options": {"executors": 2}}).raise_for_status()
    hops.platform.hub.started.clear()
    hops.platform.hub.servers[SERVER] = HubServer(state=ServerState.READY)
    return client


def test_it_is_stopped_and_started_with_the_options_of_last_time_after_the_answer(hops: Any, running: Any) -> None:
    answer = running.post(PATH)
    assert (answer.status_code, answer.content) == (202, b"")
    assert hops.platform.hub.servers[SERVER].state is ServerState.READY
    hops.deliver()
    ((user, project, title, options),) = hops.platform.hub.started
    assert (user, project, title, options["executors"]) == ("ada", "weather", "Weather", 2)
    assert hops.platform.hub.servers[SERVER].state is ServerState.STARTING


def test_asking_twice_restarts_once(hops: Any, running: Any) -> None:
    for _ in range(2):
        assert running.post(PATH).status_code == 202
    assert hops.deliver() == 2
    assert len(hops.platform.hub.started) == 1


def test_the_start_waits_for_the_end_of_the_old_server(hops: Any, running: Any) -> None:
    hub = hops.platform.hub
    hub.stop_server = lambda user, name: hub.servers.update({(user, name): HubServer(state=ServerState.STOPPING)})
    running.post(PATH)
    assert hops.deliver() == 1
    assert hub.started == []
    hub.servers.pop(SERVER)
    with hops.platform.parts.database.session() as session:
        session.query(Delivery).update({"due_at": now()})
    assert hops.deliver() == 1
    assert len(hub.started) == 1


def test_a_start_that_could_not_be_done_in_time_is_given_up(hops: Any) -> None:
    long_ago = (now() - PATIENCE - timedelta(seconds=1)).isoformat()
    payload = {"user": "ada", "project": "weather", "title": "Weather", "options": {}, "asked_at": long_ago}
    start_server(hops.platform.parts, payload)
    assert hops.platform.hub.started == []


def test_a_project_without_environment_keeps_its_server(hops: Any, running: Any) -> None:
    with hops.platform.parts.database.session() as session:
        record_state(session, "weather", EnvironmentState.CREATING)
    assert running.post(PATH).status_code == 409
    assert hops.deliver() == 0
