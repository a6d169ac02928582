from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPTED = Path(__file__).with_name("scripted_control_plane.py")
CONFIG = f"""
load_subconfig({str(ROOT / "jupyterhub_config" / "jupyterhub_config.py")!r})
for service in c.JupyterHub.services:
    service["command"] = [*service["command"][:9], {str(SCRIPTED)!r}]
c.JupyterHub.services.append({{"name": "probe", "api_token": "probe-token-of-the-test-suite-0000"}})
c.JupyterHub.load_roles.append({{"name": "probe", "services": ["probe"], "scopes": ["admin:users", "servers"]}})
"""
PROBE = {"Authorization": "token probe-token-of-the-test-suite-0000"}


def eventually(check: Callable[[], Any], what: str, *, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


@dataclass
class Person:
    """Somebody with a browser."""

    site: Site
    name: str
    client: httpx.Client

    def log_in(self, password: str) -> httpx.Response:
        self.client.get("hub/login")
        form = {"username": self.name, "password": password, "_xsrf": self.xsrf()}
        return self.client.post("hub/login", data=form, follow_redirects=False)

    def xsrf(self) -> str:
        return next(c.value for c in self.client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/")

    def start(self, project: str, **options: str) -> httpx.Response:
        """Send the start form."""
        self.client.get(f"hub/spawn/{self.name}/{project}")
        url = f"hub/spawn/{self.name}/{project}?_xsrf={self.xsrf()}"
        return self.client.post(url, data=options, follow_redirects=False)


@dataclass
class Site:
    home: Path
    port: int
    env: dict[str, str]
    config: Path
    script: dict[str, Any] = field(default_factory=dict)
    hub: subprocess.Popen | None = None
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def say(self, **changes: Any) -> None:
        self.script.update(changes)
        (self.home / "script.json").write_text(json.dumps(self.script))

    def up(self) -> None:
        with (self.home / "hub.log").open("ab") as log:
            self.hub = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--config", str(self.config)],
                env=self.env, cwd=self.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        eventually(self.ready, "the Hub's start", seconds=90)

    def ready(self) -> bool:
        assert self.hub is not None
        assert self.hub.poll() is None, (self.home / "hub.log").read_text()[-4000:]
        try:
            paths = ("hub/health", "services/hops/api/v1/health", "services/livy/health")
            return all(httpx.get(self.url + path, timeout=5, trust_env=False).status_code == 200 for path in paths)
        except httpx.TransportError:
            return False

    def down(self) -> None:
        """End what was started, in order first and then for certain."""
        assert self.hub is not None
        left = []
        if self.hub.poll() is None:
            left = psutil.Process(self.hub.pid).children(recursive=True)
            self.hub.send_signal(signal.SIGTERM)
            try:
                self.hub.wait(40)
            except subprocess.TimeoutExpired:
                self.hub.kill()
                self.hub.wait(10)
        for client in self.clients:
            client.close()
        for process in psutil.process_iter():
            try:
                if str(self.home) in " ".join(
                    (process.environ().get("HOPS_HOME", ""), process.environ().get("HOPS_SERVER_FOLDER", ""))
                ):
                    left.append(process)
            except (psutil.Error, OSError):
                continue
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=5)

    def person(self, name: str) -> Person:
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self.clients.append(client)
        return Person(self, name, client)

    def probe(self, method: str, path: str, **given: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}hub/api/{path}", headers=PROBE, timeout=60, trust_env=False, **given)

    def server(self, user: str, project: str) -> dict[str, Any]:
        answer = self.probe("GET", f"users/{user}").json()
        return answer.get("servers", {}).get(project, {})

    def folder(self, user: str, project: str) -> Path:
        return self.home / "run" / "servers" / f"{project}__{user}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def proxy_command() -> str:
    places = [
        os.environ.get("HOPS_PROXY_COMMAND"),
        ROOT / "node_modules/.bin/configurable-http-proxy",
        "configurable-http-proxy",
    ]
    for place in places:
        found = place and shutil.which(str(place))
        if found:
            return found
    pytest.skip("configurable-http-proxy is not installed: run `make up` first")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, proxy_command: str) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    base = ROOT / ".hopslab" / "environments" / "base"
    (home / "environments").mkdir()
    (home / "environments" / "base").symlink_to(base)
    config = home / "hub_config.py"
    config.write_text(CONFIG)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "HOPS_HOME": str(home),
        "HOPS_PORT": str(free_port()), "HOPS_PROXY_COMMAND": proxy_command, "A_SECRET_OF_THE_HUB": "must-not-leak",
    }  # fmt: skip
    running = Site(home, int(env["HOPS_PORT"]), env, config)
    running.say(
        users={
            "ada": {"password": "correct horse"},
            "grace": {"password": "battery staple"},
            "lena": {"password": "locked out", "locked": True},
            "otto": {"password": "gone", "active": False},
        },
        members={"weather": ["ada"]},
    )
    try:
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture
def ada(site: Site) -> Person:
    person = site.person("ada")
    assert person.log_in("correct horse").status_code == 302
    return person
