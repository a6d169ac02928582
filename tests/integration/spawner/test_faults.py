from __future__ import annotations

import json
import os
import signal

import httpx
import psutil
import pytest

from .conftest import Person, Site, eventually

pytestmark = pytest.mark.hub


def progress_of(person: Person, project: str) -> list[dict]:
    path = f"hub/api/users/{person.name}/servers/{project}/progress"
    headers = {"X-XSRFToken": person.xsrf()}
    text = person.client.get(path, headers=headers, params={"_xsrf": person.xsrf()}).text
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def test_a_start_waits_for_the_environment_and_tells_its_steps(site: Site, ada: Person) -> None:
    site.say(environment_not_ready=True)
    try:
        assert ada.start("weather", executors="1").status_code == 302
        eventually(lambda: site.server("ada", "weather").get("pending") == "spawn", "the waiting start")
    finally:
        site.say(environment_not_ready=False)
    events = progress_of(ada, "weather")
    messages = [event["message"] for event in events]
    assert "The environment of the project is being made." in messages
    assert "Waiting for JupyterLab to answer" in messages
    assert events[-1].get("ready") is True
    again = site.probe("POST", "users/ada/servers/weather")
    assert (again.status_code, again.json()["message"]) == (400, "ada:weather is already running")


def test_a_crashed_servers_folder_is_wiped(site: Site, ada: Person) -> None:
    assert site.server("ada", "weather").get("ready")
    server_process(site).kill()
    eventually(lambda: not site.folder("ada", "weather").exists(), "the wiping", seconds=30)
    assert not site.server("ada", "weather").get("ready")


def test_a_failed_start_says_why_with_the_log_at_hand(site: Site, ada: Person) -> None:
    site.say(project_folder=str(site.home / "projects" / "gone"))
    try:
        answer = site.probe("POST", "users/ada/servers/weather")
    finally:
        site.say(project_folder=None)
    assert answer.status_code == 500
    said = answer.json()["message"]
    assert said.startswith("The notebook server ended before it answered")
    assert "Log of the server:" in said
    assert str(site.home) not in said
    assert not site.folder("ada", "weather").exists()
    assert "Log of the server" in ada.client.get("hub/spawn-pending/ada/weather").text


def test_a_removed_members_server_does_not_come_back(site: Site) -> None:
    assert site.probe("POST", "users/ada/servers/weather").status_code in {201, 202}
    eventually(lambda: site.server("ada", "weather").get("ready"), "the start")
    site.say(members={"weather": []})
    try:
        site.probe("DELETE", "users/ada/servers/weather")
        eventually(lambda: not site.folder("ada", "weather").exists(), "the stop")
        assert site.probe("POST", "users/ada/servers/weather").status_code == 404
    finally:
        site.say(members={"weather": ["ada"]})


def test_a_killed_hub_finds_its_servers_again(site: Site) -> None:
    assert site.probe("POST", "users/ada/servers/weather").status_code in {201, 202}
    eventually(lambda: site.server("ada", "weather").get("ready"), "the start")
    server = server_process(site)
    assert site.hub is not None
    os.kill(site.hub.pid, signal.SIGKILL)
    site.hub.wait()
    site.up()
    eventually(lambda: site.server("ada", "weather").get("ready"), "the server's return")
    assert server.is_running()
    assert httpx.get(f"{site.url}user/ada/weather/api", trust_env=False).status_code == 200
    assert site.probe("DELETE", "users/ada/servers/weather").status_code in {202, 204}
    eventually(lambda: not server.is_running(), "the stop")
    eventually(lambda: not site.folder("ada", "weather").exists(), "the wiping")


def test_a_deactivated_user_is_logged_out(site: Site, ada: Person) -> None:
    state = site.say
    users = site.script["users"]
    state(users=users | {"ada": {"password": "correct horse", "active": False}})
    try:
        refused = site.person("ada").log_in("correct horse")
        assert (refused.status_code, "This user is deactivated." in refused.text) == (403, True)
    finally:
        state(users=users)


def server_process(site: Site) -> psutil.Process:
    folder = str(site.folder("ada", "weather"))
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOPS_SERVER_FOLDER") == folder:
                return process
        except (psutil.Error, OSError):
            continue
    raise AssertionError("the server does not run")
