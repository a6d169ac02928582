from __future__ import annotations

import ipaddress
import json
import stat
from pathlib import Path

import httpx
import psutil
import pytest

from tests.waiting import until

from .conftest import Person, Site, stop_and_wait

pytestmark = pytest.mark.hub


def progress_of(person: Person, project: str) -> list[dict]:
    text = person.hub("GET", f"users/{person.name}/servers/{project}/progress").text
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def test_a_start_waits_for_the_environment_and_tells_its_steps(site: Site, grace: Person) -> None:
    assert grace.ask("POST", "projects", json={"name": "sea", "title": "The sea"}).status_code == 201
    answer = grace.start("sea", executors="1")
    assert answer.status_code == 302, answer.text
    assert "spawn-pending/grace/sea" in answer.headers["location"]
    again = grace.hub("POST", "users/grace/servers/sea")
    assert again.status_code == 202, again.text
    events = progress_of(grace, "sea")
    messages = [event["message"] for event in events]
    assert messages[1] == "Checking your rights and the options"  # after the Hub's own first
    assert any("environment" in message for message in messages)
    assert "Waiting for JupyterLab to answer" in messages
    assert [event["progress"] for event in events] == sorted(event["progress"] for event in events)
    assert events[-1].get("ready") is True
    again = grace.hub("POST", "users/grace/servers/sea")
    assert (again.status_code, again.json()["message"]) == (400, "grace:sea is already running")
    form = grace.start("sea", executors="1")
    assert form.status_code == 400
    assert "is already running" in form.text
    stop_and_wait(site, "grace", "sea")


@pytest.mark.usefixtures("no_server")
def test_a_member_starts_lab_by_form_and_stopping_it_wipes_its_folder(site: Site, ada: Person) -> None:
    page = ada.client.get("hub/spawn/ada/weather")
    assert page.status_code == 200
    assert 'name="executors"' in page.text

    answer = ada.start("weather", executors="2")
    assert answer.status_code == 302, answer.text
    until(lambda: site.server("ada", "weather").get("ready"), "the start")

    lab = ada.client.get("user/ada/weather/lab/tree/Jupyter", follow_redirects=True)
    assert lab.status_code == 200
    assert "JupyterLab" in lab.text
    assert "@jupyterlab/apputils-extension:announcements" in lab.text  # switched off

    folder = site.folder("ada", "weather")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("token.jwt")} == {0o600}
    assert json.loads((folder / "server.json").read_text())["options"]["executors"] == 2

    kernels = ada.client.get("user/ada/weather/api/kernelspecs").json()
    assert set(kernels["kernelspecs"]) == {"pyspark", "spark", "python3"}
    assert kernels["default"] == "pyspark"

    process = site.process("ada", "weather")
    assert "must-not-leak" not in process.environ().values()
    assert "hub-credential" not in " ".join(process.environ())

    stop_and_wait(site, "ada", "weather")
    assert not psutil.pid_exists(process.pid)


def test_the_servers_own_token_at_the_hub_opens_nothing_of_others_and_starts_nothing(
    site: Site, running_server: psutil.Process
) -> None:
    stranger = site.person("stranger").client
    stranger.headers["Authorization"] = f"token {running_server.environ()['JUPYTERHUB_API_TOKEN']}"

    def status(method: str, path: str) -> int:
        return stranger.request(method, f"hub/api/{path}").status_code

    assert status("GET", "user") == 200
    refused = {403, 404}
    assert status("GET", "users") in refused
    assert status("GET", "users/olga") in refused
    assert status("POST", "users/olga/servers/weather") in refused
    assert status("POST", "users/ada/servers/other") in refused
    assert status("DELETE", "users/ada/servers/weather") in refused
    assert status("POST", "users/ada/tokens") in refused
    assert status("GET", "proxy") in refused
    assert running_server.is_running()


def test_nothing_of_a_site_listens_where_others_can_reach_it(site: Site, running_server: psutil.Process) -> None:
    assert site.hub is not None
    hub = psutil.Process(site.hub.pid)
    family = {hub, *hub.children(recursive=True), running_server, *running_server.children(recursive=True)}
    addresses = {}
    for process in family:
        try:
            name = " ".join(process.cmdline()[:4])
            listening = [c.laddr for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
        except psutil.NoSuchProcess:
            continue
        addresses |= {(name, address.port): address.ip.removeprefix("::ffff:") for address in listening}
    assert site.port in {port for _, port in addresses}
    assert len(addresses) >= 5, "the proxy's two, the Hub's, those of both services and of the server"
    assert {where: ip for where, ip in addresses.items() if not ipaddress.ip_address(ip).is_loopback} == {}


def test_a_kernels_channels_are_no_ports_and_its_home_is_its_users_own(
    site: Site, ada: Person, running_server: psutil.Process
) -> None:
    token = ada.hub("POST", "users/ada/tokens", json={"note": "script"}).json()["token"]
    with httpx.Client(
        base_url=f"{site.url}user/ada/weather/api/",
        headers={"Authorization": f"token {token}"},
        timeout=60,
        trust_env=False,
    ) as server:
        kernel = server.post("kernels", json={"name": "python3"}).json()["id"]
        try:
            folder = site.folder("ada", "weather")
            connection = json.loads((folder / "runtime" / f"kernel-{kernel}.json").read_text())
            assert connection["transport"] == "ipc"
            sockets = [Path(f"{connection['ip']}-{connection[name]}") for name in connection if name.endswith("_port")]
            assert len(sockets) == 5
            until(lambda: all(path.is_socket() for path in sockets), "the kernel's start")
            assert all(stat.S_IMODE(path.parent.stat().st_mode) == 0o700 for path in sockets)
            processes = [
                process for process in running_server.children(recursive=True) if kernel in " ".join(process.cmdline())
            ]
            assert len(processes) == 1
            home = Path(processes[0].environ()["HOME"])
            assert home == site.home / "homes" / "weather__ada"
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
        finally:
            server.delete(f"kernels/{kernel}")
