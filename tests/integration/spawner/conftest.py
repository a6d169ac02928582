from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from hops_contract.options import ServerOptions
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
API = "services/hops/api/v1/"
PROBE_TOKEN = "probe-token-of-the-test-suite-0000"
# The site's own configuration, and a service that sees and starts every server: what a test can't ask as a person.
CONFIG = f"""
load_subconfig({str(ROOT / "jupyterhub_config" / "jupyterhub_config.py")!r})
c.JupyterHub.services.append({{"name": "probe", "api_token": {PROBE_TOKEN!r}}})
c.JupyterHub.load_roles.append({{"name": "probe", "services": ["probe"], "scopes": ["admin:users", "servers"]}})
"""
PASSWORD = "heron teapot violin ash"


@contextmanager
def away(path: Path) -> Iterator[None]:
    """The situation in which ``path`` is missing."""
    aside = path.with_name(f".{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@dataclass
class Person:
    """Somebody with a browser, and with a token of the control plane for what a page's script would do."""

    site: Site
    name: str
    client: httpx.Client
    password: str = PASSWORD

    def log_in(self, password: str | None = None) -> httpx.Response:
        self.client.get("hub/login")
        form = {"username": self.name, "password": password or self.password, "_xsrf": self.xsrf()}
        return self.client.post("hub/login", data=form, follow_redirects=False)

    def xsrf(self) -> str:
        return next(c.value for c in self.client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/")

    def start(self, project: str, *, user: str | None = None, **options: str) -> httpx.Response:
        """Send the start form."""
        page = f"hub/spawn/{user or self.name}/{project}".rstrip("/")
        self.client.get(page)
        return self.client.post(f"{page}?_xsrf={self.xsrf()}", data=options, follow_redirects=False)

    def hub(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Call the Hub's REST API with this login."""
        self.client.get("hub/token")
        return self.client.request(method, f"hub/api/{path}", headers={"X-XSRFToken": self.xsrf()}, **given)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Call the control plane."""
        headers = self.site.token_of(self) | given.pop("headers", {})
        return self.client.request(method, API + path, headers=headers, **given)

    def server(self, project: str) -> str:
        """The state of this person's server."""
        return str(self.ask("GET", f"projects/{project}/server").json().get("state"))

    def start_and_wait(self, project: str) -> None:
        answer = self.ask("PUT", f"projects/{project}/server", json={})
        assert answer.status_code < 400, answer.text
        until(lambda: self.server(project) == "ready", "the start")


@dataclass
class Site:
    """A real site: Hub, proxy, control plane and session service, as `hopslab up` starts them."""

    home: Path
    port: int
    env: dict[str, str]
    config: Path
    hub: subprocess.Popen | None = None
    admin_password: str = ""
    clients: list[httpx.Client] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def platform(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "hops_platform", *arguments]
        done = subprocess.run(command, env=self.env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def up(self) -> None:
        with (self.home / "hub.log").open("ab") as log:
            self.hub = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--config", str(self.config)],
                env=self.env, cwd=self.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        until(self.ready, "the Hub's start", seconds=180)

    def ready(self) -> bool:
        assert self.hub is not None
        assert self.hub.poll() is None, (self.home / "hub.log").read_text()[-4000:]
        try:
            paths = ("hub/health", API + "health", "services/livy/health")
            return all(httpx.get(self.url + path, timeout=30, trust_env=False).status_code == 200 for path in paths)
        except httpx.TransportError:
            return False

    def end_hub(self) -> None:
        """End the Hub as `hopslab down` does: ask it, and wait."""
        assert self.hub is not None
        self.hub.send_signal(signal.SIGTERM)
        self.hub.wait(60)

    def down(self) -> None:
        """End what was started, in order first and then for certain."""
        for client in self.clients:
            client.close()
        left = []
        if self.hub is not None and self.hub.poll() is None:
            left = psutil.Process(self.hub.pid).children(recursive=True)
            try:
                self.end_hub()
            except subprocess.TimeoutExpired:
                self.hub.kill()
                self.hub.wait(60)
        left += [process for process in psutil.process_iter() if self._started(process)]
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=60)

    def _started(self, process: psutil.Process) -> bool:
        try:
            environ = process.environ()
        except (psutil.Error, OSError):
            return False
        return any(
            str(self.home) in environ.get(name, "") for name in ("HOPS_HOME", "HOPS_SERVER_FOLDER", "HOPS_TOKEN_FILE")
        )

    def person(self, name: str, *, password: str = PASSWORD) -> Person:
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self.clients.append(client)
        return Person(self, name, client, password)

    @property
    def admin(self) -> Person:
        return self.person("admin", password=self.admin_password)

    def token_of(self, person: Person) -> dict[str, str]:
        if person.name not in self.tokens:
            body = {"username": person.name, "password": person.password}
            answer = person.client.post(API + "tokens", json=body)
            assert answer.status_code == 200, answer.text
            self.tokens[person.name] = answer.json()["token"]
        return {"Authorization": f"Bearer {self.tokens[person.name]}"}

    def add_user(self, name: str) -> Person:
        """A user who has chosen a password."""
        given = self.platform("users", "create", name, "--keep-password")
        return self.person(name, password=given["password"])

    def probe(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"token {PROBE_TOKEN}"}
        return httpx.request(method, f"{self.url}hub/api/{path}", headers=headers, timeout=60, trust_env=False, **given)

    def server(self, user: str, project: str) -> dict[str, Any]:
        """The Hub's model of a server."""
        answer = self.probe("GET", f"users/{user}").json()
        return answer.get("servers", {}).get(project, {})

    def folder(self, user: str, project: str) -> Path:
        return self.home / "run" / "servers" / f"{project}__{user}"

    def process(self, user: str, project: str) -> psutil.Process:
        """The notebook server itself."""
        folder = str(self.folder(user, project))
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("HOPS_SERVER_FOLDER") == folder:
                    return process
        raise AssertionError("the server does not run")


@pytest.fixture(scope="session")
def proxy_command() -> str:
    name = "configurable-http-proxy"
    places = [os.environ.get("HOPS_PROXY_COMMAND"), ROOT / "node_modules" / ".bin" / name, name]
    for place in places:
        found = place and shutil.which(str(place))
        if found:
            return found
    pytest.skip("configurable-http-proxy is not installed: run `make up` first")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, proxy_command: str) -> Iterator[Site]:
    """Its people: olga owns the project `weather`, ada is a member; grace and the administrator are none."""
    base = ROOT / ".hopslab" / "environments" / "base"
    if not (base / "bin" / "python").exists():
        pytest.skip("the base environment is not made: run `make up` first")
    home = tmp_path_factory.mktemp("home")
    (home / "environments").mkdir()
    (home / "environments" / "base").symlink_to(base)
    config = home / "hub_config.py"
    config.write_text(CONFIG)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "HOPS_HOME": str(home), "HOPS_GPUS": "2",
        "HOPS_PORT": str(free_port()), "HOPS_PROXY_COMMAND": proxy_command, "A_SECRET_OF_THE_HUB": "must-not-leak",
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(ROOT / ".hopslab" / "cache" / "uv")),
    }  # fmt: skip
    running = Site(home, int(env["HOPS_PORT"]), env, config)
    try:
        first = running.platform("init")["created_admin"]
        running.admin_password = first["password"]
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture(scope="session")
def admin(site: Site) -> Person:
    """The first administrator, with a password of their own."""
    person = site.admin
    body = {"old_password": person.password, "new_password": PASSWORD}
    answer = person.ask("PUT", "me/password", json=body)
    assert answer.status_code == 200, answer.text
    site.tokens["admin"] = answer.json()["token"]
    person.password = site.admin_password = PASSWORD
    assert person.log_in().status_code == 302
    return person


@pytest.fixture(scope="session")
def people(site: Site, admin: Person) -> dict[str, Person]:
    return {name: site.add_user(name) for name in ("olga", "ada", "grace")}


@pytest.fixture(scope="session")
def project(people: dict[str, Person]) -> str:
    olga = people["olga"]
    made = olga.ask("POST", "projects", json={"name": "weather", "title": "Weather of the coast"})
    assert made.status_code == 201, made.text
    add_member(olga, "ada")
    return "weather"


@pytest.fixture(scope="session")
def ready_project(people: dict[str, Person], project: str) -> str:
    """`weather` with its environment made."""
    state = {}

    def made() -> bool:
        state.update(people["olga"].ask("GET", f"projects/{project}").json()["environment"])
        assert state["state"] != "failed", state
        return state["state"] == "ready"

    until(made, "the making of the environment", seconds=120)
    return project


def add_member(owner: Person, user: str, project: str = "weather") -> None:
    body = {"user": user, "role": "data_scientist"}
    answer = owner.ask("POST", f"projects/{project}/members", json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="session")
def olga(people: dict[str, Person], ready_project: str) -> Person:
    assert people["olga"].log_in().status_code == 302
    return people["olga"]


@pytest.fixture(scope="session", autouse=True)
def left_alone(olga: Person) -> None:
    """Olga's server, which ends after a minute idle: started before all tests, so that none has to wait for it."""
    options = ServerOptions(idle_timeout_minutes=1).model_dump(mode="json")
    answer = olga.ask("PUT", "projects/weather/server", json={"options": options})
    assert answer.status_code < 400, answer.text


@pytest.fixture(scope="session")
def grace(people: dict[str, Person]) -> Person:
    assert people["grace"].log_in().status_code == 302
    return people["grace"]


@pytest.fixture
def somebody(site: Site, admin: Person) -> Person:
    """A user of this test alone, whose log-in and password it may spoil."""
    return site.add_user(f"somebody-{secrets.token_hex(3)}")


@pytest.fixture
def ada(site: Site, people: dict[str, Person], ready_project: str) -> Person:
    """A fresh browser of ada, who is a member."""
    person = site.person("ada", password=people["ada"].password)
    assert person.log_in().status_code == 302
    return person


@pytest.fixture
def running_server(site: Site, ada: Person) -> psutil.Process:
    """Ada's server in `weather`."""
    ada.start_and_wait("weather")
    return site.process("ada", "weather")


@pytest.fixture
def no_server(site: Site, ada: Person) -> None:
    """Ada has no server in `weather`."""
    stop_and_wait(site, "ada", "weather")


def stop_and_wait(site: Site, user: str, project: str) -> None:
    site.probe("DELETE", f"users/{user}/servers/{project}")
    until(lambda: not site.server(user, project).get("pending"), "the stop")
    until(lambda: not site.folder(user, project).exists(), "the wiping")
