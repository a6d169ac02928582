"""What Lab does with its own server on a real site: shows its project, restarts it, stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hopslab.demo.logins import demo_login
from hopslab.demo.story import create_project
from hopslab.demo.visitor import Visitor
from hopslab.settings import SiteSettings
from tests.waiting import until

pytestmark = pytest.mark.hub
PROJECT = "restarted"


@pytest.fixture(scope="module")
def visitor(site):
    settings = SiteSettings(home=Path(site.env["HOPS_HOME"]), port=int(site.env["HOPS_PORT"]))
    login = demo_login(site.env)
    person = Visitor(settings)
    person.log_in(login.user, login.password)
    create_project(person, PROJECT)
    person.call("PUT", f"projects/{PROJECT}/server", {"options": {"executors": 2}})
    wait_for(person, lambda server: server["state"] == "ready")
    yield person
    person.call("DELETE", f"projects/{PROJECT}/server")
    person.close()


@pytest.fixture
def lab(visitor):
    path = f"user/{visitor.user}/{PROJECT}/"
    visitor.get(f"{path}lab")  # logs in at the server, by way of the Hub
    return path


def wait_for(person, is_so):
    return until(lambda: person.call("GET", f"projects/{PROJECT}/server"), wanted=is_so, seconds=180, pause_s=0.2)


def test_lab_loads_the_extension_and_shows_the_project(visitor, lab):
    assert "jupyterlab-hops" in visitor.get(f"{lab}lab").text
    project = visitor.jupyter("GET", lab, "hops/project")
    assert (project["project"], project["user"], project["role"]) == (PROJECT, visitor.user, "data_owner")
    assert (project["options"]["executors"], project["members_problem"]) == (2, None)
    assert [member["user"] for member in project["members"]] == [visitor.user]
    assert visitor.jupyter("GET", lab, "hops/session") == {"items": []}


def test_a_restart_brings_a_new_server_with_the_same_options(visitor, lab):
    before = visitor.call("GET", f"projects/{PROJECT}/server")["started_at"]
    answer = visitor.jupyter("POST", lab, "hops/server:restart")
    assert answer == {"state": "restarting", "url": f"/services/hops/projects/{PROJECT}#restarting"}
    server = wait_for(visitor, lambda server: server["state"] == "ready" and server["started_at"] != before)
    assert server["options"]["executors"] == 2
    visitor.get(f"{lab}lab")
    assert visitor.jupyter("GET", lab, "hops/project")["options"]["executors"] == 2


def test_a_stop_stops_it(visitor, lab):
    assert visitor.jupyter("POST", lab, "hops/server:stop")["state"] == "stopping"
    wait_for(visitor, lambda server: server["state"] == "stopped")
