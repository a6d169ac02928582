"""The contract of the Hub and of the log-ins through it: a real JupyterHub, and the fakes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from hops_platform.adapters.hub.jupyterhub import JupyterHub
from hops_platform.adapters.logins.hub_oauth import HubOAuthLogins
from hops_platform.engines.hub import Hub, ServerState
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.testing.contracts import HubContract, LoginsContract
from hops_platform.testing.fakes import MemoryHub, MemoryLogins

TOKEN = "token-of-the-service-hops-in-this-test"
CALLBACK = "/services/hops/oauth_callback"

# A Hub of its own: no proxy (its port is called directly), and servers that answer and do nothing else.
CONFIG = """
import os, sys
from jupyterhub.proxy import Proxy
from jupyterhub.spawner import SimpleLocalProcessSpawner


class NoProxy(Proxy):
    should_start = False

    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {}


class Answering(SimpleLocalProcessSpawner):
    home_dir_template = os.getcwd() + "/{username}"
    cmd = [sys.executable, os.getcwd() + "/answering.py"]

    async def start(self):
        if self.name == "broken":
            raise RuntimeError("There is no Java.")
        return await super().start()


c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = Answering
c.JupyterHub.authenticator_class = "shared-password"
c.Authenticator.allow_all = True
c.SharedPasswordAuthenticator.user_password = "a password"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cleanup_servers = True
c.JupyterHub.hub_bind_url = os.environ["TEST_HUB_URL"]
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 20, "slow_stop_timeout": 20}
c.JupyterHub.services = [{
    "name": "hops", "api_token": os.environ["TEST_TOKEN"], "oauth_no_confirm": True,
    "oauth_client_id": "service-hops", "oauth_redirect_uri": "CALLBACK",
}]
c.JupyterHub.load_roles = [
    {"name": "hops", "services": ["hops"], "scopes": ["admin:users", "admin:servers", "tokens"]},
    {"name": "user", "scopes": ["self", "access:services!service=hops"]},
]
""".replace("CALLBACK", CALLBACK)

ANSWERING = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6")
        self.end_headers()

    def log_message(self, *_): pass


HTTPServer(("127.0.0.1", urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port), Answer).serve_forever()
"""


@dataclass(frozen=True)
class RealHub:
    """Where a JupyterHub answers."""

    url: str

    @property
    def api(self) -> str:
        return f"{self.url}hub/api"


@pytest.fixture(scope="module")
def real_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "config.py").write_text(CONFIG)
    (folder / "answering.py").write_text(ANSWERING)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    environment = {**os.environ, "TEST_HUB_URL": url, "TEST_TOKEN": TOKEN}
    with (folder / "log").open("wb") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "config.py"],
            cwd=folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            end = time.monotonic() + 60
            while not _answers(f"{url}hub/api/"):
                assert hub.poll() is None and time.monotonic() < end, (folder / "log").read_text()[-3000:]  # noqa: PT018
                time.sleep(0.1)
            yield RealHub(url)
        finally:
            hub.terminate()
            hub.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


class TestMemoryHub(HubContract):
    @pytest.fixture
    def engine(self) -> MemoryHub:
        return MemoryHub()


@pytest.mark.hub
class TestJupyterHub(HubContract):
    @pytest.fixture
    def engine(self, real_hub: RealHub) -> Iterator[JupyterHub]:
        hub = JupyterHub(real_hub.api, token=TOKEN)
        yield hub
        hub.stop_server("ada", "weather")
        wait_for(hub, "weather", ServerState.STOPPED)
        hub._client.close()

    def test_a_server_that_answers_is_ready_with_its_times(self, engine: JupyterHub) -> None:
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        wait_for(engine, "weather", ServerState.READY)
        server = engine.server("ada", "weather")
        assert server.started_at is not None
        assert server.started_at.tzinfo is not None

    def test_a_start_that_failed_says_why(self, engine: JupyterHub) -> None:
        with pytest.raises((EngineRefusedError, EngineUnavailableError)):
            engine.start_server("ada", "broken", title="Broken", options={})
        server = engine.server("ada", "broken")
        assert (server.state, server.reason) == (ServerState.FAILED, "There is no Java.")

    def test_a_token_that_the_hub_does_not_know_is_refused(self, real_hub: RealHub) -> None:
        stranger = JupyterHub(real_hub.api, token="made-up")
        with pytest.raises(EngineRefusedError, match="The Hub refused"):
            stranger.server("ada", "weather")
        stranger._client.close()


def wait_for(hub: Hub, name: str, state: ServerState) -> None:
    end = time.monotonic() + 30
    while (found := hub.server("ada", name).state) is not state:
        assert time.monotonic() < end, f"it is {found} and not {state}"
        time.sleep(0.1)


def test_a_hub_that_is_away_is_told_as_such() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        hub = JupyterHub(f"http://127.0.0.1:{nobody.getsockname()[1]}/hub/api", token=TOKEN)
        with pytest.raises(EngineUnavailableError, match="The Hub does not answer"):
            hub.server("ada", "weather")


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (500, "broken", EngineUnavailableError),
        (403, "no", EngineRefusedError),
        (400, "weather is pending spawn, please wait", EngineUnavailableError),
        (400, "bad", EngineRefusedError),
    ],
)
def test_refusals_of_the_hub_say_whether_to_try_again(status: int, message: str, error: type[Exception]) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(status, json={"message": message}))
    with pytest.raises(error):
        JupyterHub("http://hub.test/hub/api", token=TOKEN, transport=answer).stop_server("ada", "weather")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"ended": {"sentence": "The sandbox may hold 4 GiB.", "log_tail": "secret"}}, "The sandbox may hold 4 GiB."),
        ({"pid": 7}, None),
        (None, None),
        ({"ended": "odd"}, None),
    ],
)
def test_a_server_that_ended_by_itself_says_why(state: object, reason: str | None) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/progress"):
            return httpx.Response(400, json={"message": "not started"})
        return httpx.Response(200, json={"name": "weather", "stopped": True, "ready": False, "state": state})

    hub = JupyterHub("http://hub.test/hub/api", token=TOKEN, transport=httpx.MockTransport(answer))
    found = hub.server("ada", "weather")
    assert (found.state, found.reason) == (ServerState.STOPPED, reason)


class TestMemoryLogins(LoginsContract):
    @pytest.fixture
    def engine(self) -> MemoryLogins:
        return MemoryLogins(tokens={"token": "ada"})

    @pytest.fixture
    def authorize(self, engine: MemoryLogins) -> Callable[[str], str]:
        def give(_address: str) -> str:
            engine.codes["code"] = "token"
            return "code"

        return give


@pytest.mark.hub
class TestHubOAuthLogins(LoginsContract):
    @pytest.fixture
    def engine(self, real_hub: RealHub, monkeypatch: pytest.MonkeyPatch) -> HubOAuthLogins:
        for name, value in {
            "API_TOKEN": TOKEN, "API_URL": real_hub.api, "BASE_URL": "/", "HOST": "", "CLIENT_ID": "service-hops",
            "SERVICE_PREFIX": "/services/hops/", "OAUTH_CALLBACK_URL": CALLBACK,
            "OAUTH_ACCESS_SCOPES": '["access:services!service=hops"]',
        }.items():  # fmt: skip
            monkeypatch.setenv(f"JUPYTERHUB_{name}", value)
        return HubOAuthLogins()

    @pytest.fixture
    def authorize(self, real_hub: RealHub) -> Iterator[Callable[[str], str]]:
        with httpx.Client(base_url=real_hub.url, trust_env=False) as browser:

            def go(address: str) -> str:
                page = browser.get("hub/login").text
                (xsrf,) = set(re.findall(r'name="_xsrf" value="([^"]+)"', page)) or {browser.cookies["_xsrf"]}
                form = {"username": "ada", "password": "a password", "_xsrf": xsrf}
                assert browser.post("hub/login", data=form).status_code == 302
                location = address
                for _ in range(5):
                    if urlsplit(location).path == CALLBACK:
                        query = parse_qs(urlsplit(location).query)
                        assert query["state"] == ["the-state"]
                        return query["code"][0]
                    answer = browser.get(urljoin(real_hub.url, location))
                    location = answer.headers["Location"]
                raise AssertionError("the Hub did not send the browser back")

            yield go

    def test_a_token_for_something_else_is_no_log_in(self, engine: HubOAuthLogins, real_hub: RealHub) -> None:
        httpx.post(f"{real_hub.api}/users/ada", headers={"Authorization": f"token {TOKEN}"}, trust_env=False)
        made = httpx.post(
            f"{real_hub.api}/users/ada/tokens", headers={"Authorization": f"token {TOKEN}"},
            json={"scopes": ["read:users:name!user=ada"]}, trust_env=False,
        )  # fmt: skip
        assert made.status_code == 201, made.text
        assert engine.user_of(made.json()["token"], hub_session="") is None
