from __future__ import annotations

import os
import signal
from html import unescape

import httpx
import psutil
import pytest

from .conftest import Person, Site, away, eventually

pytestmark = pytest.mark.hub


def test_a_crashed_servers_folder_is_wiped(site: Site, ada: Person, running_server: psutil.Process) -> None:
    running_server.kill()
    eventually(lambda: not site.folder("ada", "weather").exists(), "the wiping", seconds=30)
    assert ada.server("weather") == "stopped"
    page = unescape(ada.client.get("user/ada/weather/lab", follow_redirects=True).text)
    assert "the signal SIGKILL ended it" in page
    told = ada.ask("GET", "projects/weather/server").json()
    assert (told["state"], "the signal SIGKILL ended it" in (told["reason"] or "")) == ("stopped", True), told
    assert "Log of the server" in page
    assert "idle for too long" not in page
    assert str(site.home) not in page


@pytest.mark.usefixtures("no_server")
def test_a_server_that_ends_at_once_says_why_with_the_log_at_hand(site: Site, ada: Person) -> None:
    with away(site.home / "projects" / "weather"):
        answer = ada.hub("POST", "users/ada/servers/weather")
        eventually(lambda: not site.server("ada", "weather").get("pending"), "the failure")
    assert answer.status_code in {202, 500}
    page = unescape(ada.client.get("hub/spawn-pending/ada/weather").text)
    assert "The notebook server ended before it answered" in page
    assert "Log of the server" in page
    assert "Change the options" in page
    assert str(site.home) not in page
    assert not site.folder("ada", "weather").exists()


@pytest.mark.usefixtures("no_server")
def test_a_broken_environment_is_told_before_anything_starts(site: Site, ada: Person) -> None:
    with away(site.home / "environments" / "projects" / "weather" / "bin" / "python"):
        answer = ada.hub("POST", "users/ada/servers/weather")
    assert answer.status_code == 500
    said = answer.json()["message"]
    assert said.startswith("The Python of the project's environment does not run.")
    assert "<environment>/bin/python: No such file or directory" in said
    assert str(site.home) not in said
    assert not site.folder("ada", "weather").exists()
    # The control plane passes the sentence on.
    state = ada.ask("GET", "projects/weather/server").json()
    assert state["state"] == "failed"
    assert "The Python of the project's environment does not run." in state["reason"]


@pytest.mark.parametrize(("service", "health"), [("hops", "api/v1/health"), ("livy", "health")])
def test_a_killed_service_comes_back(site: Site, people: dict[str, Person], service: str, health: str) -> None:
    def process() -> psutil.Process | None:
        assert site.hub is not None
        for child in psutil.Process(site.hub.pid).children():
            try:
                if child.environ().get("JUPYTERHUB_SERVICE_NAME") == service:
                    return child
            except psutil.Error:
                continue
        return None

    first = process()
    assert first is not None
    first.kill()

    def again() -> bool:
        found = process()
        answers = httpx.get(f"{site.url}services/{service}/{health}", trust_env=False).status_code == 200
        return found is not None and found.pid != first.pid and answers

    eventually(again, "the return of the service", seconds=30)


def test_a_killed_proxy_comes_back_with_its_routes(site: Site, running_server: psutil.Process) -> None:
    def process() -> psutil.Process | None:
        assert site.hub is not None
        for child in psutil.Process(site.hub.pid).children():
            try:
                if "configurable-http-proxy" in " ".join(child.cmdline()):
                    return child
            except psutil.Error:
                continue
        return None

    first = process()
    assert first is not None
    first.kill()

    def again() -> bool:
        found = process()
        if found is None or found.pid == first.pid:
            return False
        try:
            paths = ("hub/health", "services/hops/api/v1/health", "user/ada/weather/api")
            return all(httpx.get(site.url + path, timeout=5, trust_env=False).status_code == 200 for path in paths)
        except httpx.TransportError:
            return False

    eventually(again, "the return of the proxy and its routes", seconds=60)
    assert running_server.is_running()


def test_a_killed_hub_finds_its_servers_again(site: Site, ada: Person, running_server: psutil.Process) -> None:
    assert site.hub is not None
    os.kill(site.hub.pid, signal.SIGKILL)
    site.hub.wait()
    assert running_server.is_running()
    site.up()
    eventually(lambda: site.server("ada", "weather").get("ready"), "the server's return")
    assert running_server.is_running()
    assert httpx.get(f"{site.url}user/ada/weather/api", trust_env=False).status_code == 200
    ada.client.get("user/ada/weather/lab", follow_redirects=True)
    assert ada.client.get("user/ada/weather/api/contents/Jupyter").status_code == 200
    assert ada.ask("DELETE", "projects/weather/server").status_code == 204
    eventually(lambda: not running_server.is_running(), "the stop")
    eventually(lambda: not site.folder("ada", "weather").exists(), "the wiping")
