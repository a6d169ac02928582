"""What a notebook server, its terminals and its kernels can reach of the machine, and that nothing of it is left."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.integration.livy.service_process import NO_SANDBOX
from tests.waiting import until

from .conftest import Person, Site, stop_and_wait
from .terminal import in_terminal

pytestmark = [pytest.mark.hub, pytest.mark.skipif(bool(NO_SANDBOX), reason=f"no sandbox: {NO_SANDBOX}")]


@pytest.fixture
def server(site: Site, ada: Person, running_server: psutil.Process) -> Iterator[httpx.Client]:
    token = ada.hub("POST", "users/ada/tokens", json={"note": "script"}).json()["token"]
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(base_url=f"{site.url}user/ada/weather/", headers=headers, timeout=60, trust_env=False) as client:
        yield client


def test_a_terminal_sees_its_project_and_nothing_of_others_or_the_platform(site: Site, server: httpx.Client) -> None:
    absent = [site.home / "secrets", site.home / "hub.db", site.home / "control-plane.db", site.home / "logs"]
    absent += [site.home / "run" / "sessions", Path("/etc/shadow"), Path(__file__)]
    tests = "; ".join(f"[ -e {path} ] && echo sees-{number}" for number, path in enumerate(absent))
    said = in_terminal(server, f"{tests}; ls {site.home / 'projects'} | tr '\\n' ,; id -u; ls /proc | grep -c '^[0-9]'")
    assert "sees-" not in said.replace("echo sees-", "")
    assert "weather," in said
    assert "sales" not in said


def test_files_of_the_project_can_be_changed_and_programs_of_the_platform_can_not(
    site: Site, server: httpx.Client
) -> None:
    written = site.home / "projects" / "weather" / "Jupyter" / "written.txt"
    told = site.home / "run" / "servers" / "weather__ada.limited"
    tries = f"touch /usr/bin/mine; echo status-$?; ls -d {told}; touch {told}/why || rm -r {told}; echo told-$?"
    said = in_terminal(server, f"echo mine > {written}; {tries}")
    assert {"status-1", str(told), "told-1"} <= set(said.split())
    assert "Read-only file system" in said
    assert written.read_text() == "mine\n"
    assert not Path("/usr/bin/mine").exists()


def test_a_terminal_calls_the_platform_with_a_certificate_that_goes_with_the_server(
    site: Site, server: httpx.Client, running_server: psutil.Process
) -> None:
    folder = site.home / "run" / "servers" / "weather__ada" / "certificates"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    url = json.loads((site.home / "run" / "site.json").read_text())["mutual_tls_url"]
    options = "--silent --show-error --noproxy '*'"
    for part, name in (("cert", "certificate"), ("key", "key"), ("cacert", "authorities")):
        options += f" --{part} $HOPS_CERTIFICATES/{name}.pem"
    said = in_terminal(server, f"curl {options} {url}api/v1/me")
    assert '"kind":"project_user","name":"ada"' in said.replace(" ", "").replace("\r\n", ""), said
    stop_and_wait(site, "ada", "weather")
    until(lambda: not running_server.is_running() and not folder.exists(), "the end of the folder")


CURL = "curl --silent --output /dev/null --max-time 15 --noproxy '*' --write-out 'got-%{http_code}-%{exitcode} '"


@pytest.fixture
def neighbour() -> Iterator[str]:
    """Another service of this machine, which answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{service.server_port}/no-such-file"
        service.shutdown()
        thread.join()


def test_a_terminal_reaches_the_platform_and_nothing_else_unless_its_project_is_open(
    site: Site, ada: Person, olga: Person, server: httpx.Client, neighbour: str
) -> None:
    known = json.loads((site.home / "run" / "site.json").read_text())
    platform = [
        f"{site.url}hub/health",
        f"{known['control_plane_url']}.well-known/jwks.json",
        f"{known['livy_url']}/health",
    ]
    closed = [neighbour, "http://169.254.169.254/latest/meta-data/", "http://192.0.2.1/"]
    said = in_terminal(server, "; ".join(f"{CURL} {url}" for url in [*platform, *closed]))
    assert _got(said) == ["got-200-0"] * 3 + ["got-000-7"] * 3, said
    olga.ask("PATCH", "projects/weather", json={"network": "open"}, headers={"If-Match": "*"}).raise_for_status()
    try:
        assert _got(in_terminal(server, f"{CURL} {neighbour}")) == ["got-000-7"], "of one that runs nothing changes"
        stop_and_wait(site, "ada", "weather")
        ada.start_and_wait("weather")
        assert _got(in_terminal(server, f"{CURL} {neighbour}")) == ["got-404-0"]
    finally:
        olga.ask("PATCH", "projects/weather", json={"network": "platform"}, headers={"If-Match": "*"})
        stop_and_wait(site, "ada", "weather")


def test_the_hubs_api_does_nothing_for_a_servers_token_but_its_own_errands(site: Site, server: httpx.Client) -> None:
    api = json.loads((site.home / "run" / "site.json").read_text())["hub_api_url"]
    asks = '--header "Authorization: token $JUPYTERHUB_API_TOKEN"'
    calls = [
        f"{CURL} {asks} {api}/user", f"{CURL} {asks} {api}/users", f"{CURL} {asks} {api}/users/grace",
        f"{CURL} {asks} -X POST {api}/users/ada/servers/other", f"{CURL} {asks} -X POST {api}/users/ada/tokens",
        f"{CURL} {asks} {api}/proxy", f"{CURL} {asks} -X POST {api}/shutdown",
        f"{CURL} --header 'Authorization: token 0123456789abcdef' {api}/user",
    ]  # fmt: skip
    first, *others = [one.split("-")[1] for one in _got(in_terminal(server, "; ".join(calls)))]
    assert first == "200"
    assert set(others) <= {"403", "404"}, others
    assert len(others) == len(calls) - 1


def _got(said: str) -> list[str]:
    return re.findall(r"got-[0-9]{3}-[0-9]+", said)


def test_a_server_that_ends_takes_along_what_its_terminals_started(
    site: Site, server: httpx.Client, running_server: psutil.Process
) -> None:
    in_terminal(server, "setsid env -i sleep 876543 & disown; sleep 0.5")

    def strays() -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _command(process)[-1:] == ["876543"]]

    until(strays, "the stray process")
    stop_and_wait(site, "ada", "weather")
    until(lambda: not running_server.is_running() and not strays(), "the end of all")


def test_a_dataset_of_another_project_comes_and_goes_in_a_running_server(
    site: Site, olga: Person, grace: Person, server: httpx.Client
) -> None:
    raw, shares = site.home / "projects" / "tides" / "raw", "projects/tides/datasets/raw/shares"
    grace.ask("POST", "projects", json={"name": "tides", "template": "empty"}).raise_for_status()
    grace.ask("POST", "projects/tides/datasets", json={"name": "raw"}).raise_for_status()
    olga.ask("PATCH", "projects/weather", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    until(raw.is_dir, "the folder of the dataset")
    (raw / "day.csv").write_text("high water")
    grace.ask("POST", shares, json={"project": "weather"}).raise_for_status()
    olga.ask("POST", "projects/weather/shares/tides/raw:accept").raise_for_status()
    look = "cat ~-/Shared/tides/raw/*; touch ~-/Shared/tides/raw/mine".replace(
        "~-", str(site.home / "projects/weather")
    )
    until(lambda: "high water" in in_terminal(server, look), "the dataset in the running server")
    assert "Read-only file system" in in_terminal(server, look)
    grace.ask("DELETE", f"{shares}/weather").raise_for_status()
    until(lambda: "is no longer shared" in in_terminal(server, look), "the end of the share")
    assert "high water" not in in_terminal(server, look)
    assert server.get("api").status_code == 200


def _command(process: psutil.Process) -> list[Any]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
