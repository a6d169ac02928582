"""Attacks with tokens and with requests at the same moment, on the session service behind its own address."""

# ruff: noqa: ARG002 - the fakes take what the ports hand them

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from hops_contract.layout import Home
from hops_contract.options import ServerLimits
from hops_livy.app import create_app
from hops_livy.engines.amounts import Amount, Room
from hops_livy.engines.drivers import Completion, Ending, Executed, Inspection
from hops_livy.idleness import Idleness
from hops_livy.settings import Limits, Settings
from tests.unit.livy.callers import OurKeys, header, signed
from tests.waiting import until_async

PREFIX = "http://livy.test/services/livy"


class SlowDriver:
    """A driver that is ready at once, writes as much as it is told, and ends when it is told."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.app_id, self.state, self.shows_pages = "application_1", {}, False
        self.ready, self.ended = loop.create_future(), loop.create_future()
        self.ready.set_result(None)

    async def execute(self, code, *, kind, statement, on_message, execution_count=None):
        on_message("stream", {"name": "stdout", "text": "x" * int(code)})
        return Executed(status="ok")

    async def interrupt(self):
        pass

    async def complete(self, code, cursor, *, kind="pyspark"):
        return Completion.nothing(cursor)

    async def inspect(self, code, cursor, *, detail_level=0):
        return Inspection()

    async def works(self):
        return False

    def log(self):
        return []

    def renew_token(self, token):
        pass

    def forget(self, statement):
        pass

    def detach(self):
        pass

    async def end(self, reason, *, at_once=False):
        self.ended_at_once = at_once
        if not self.ended.done():
            self.ended.set_result(Ending(reason=reason, asked=True))


class SlowBackend:
    """Takes a moment to start a driver, as every real one does."""

    def __init__(self, start_s=0.2):
        self.drivers, self.asked, self._start_s = [], 0, start_s

    async def prepare(self, known):
        pass

    async def close(self):
        pass

    async def start(self, request):
        self.asked += 1
        await asyncio.sleep(self._start_s)
        self.drivers.append(SlowDriver())
        return self.drivers[-1]

    async def check(self, shape, *, owner, instead_of=None):
        pass

    def needs(self, shape):
        return Amount(sessions=1)

    def room(self):
        return Room()


def token(user="mallory", project="red", **more):
    return signed(user, project, **{"role": "data_scientist", **more})


@pytest.fixture(autouse=True)
def _limits_of_projects(monkeypatch):
    async def control_plane(_transport, request):
        assert request.url.path.endswith("/limits")
        return httpx.Response(200, json=ServerLimits().model_dump(mode="json"))

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", control_plane)


CONTROL_PLANE = {"kind": "service", "project": None, "role": None}


@asynccontextmanager
async def service(home, backend, **limits):
    app = create_app(Settings(home=Home(home), limits=Limits(**limits), gpus=0), keys=OurKeys(), backend=backend)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PREFIX) as client:
            yield client


async def remove(client, project_user):
    answer = await client.delete(f"/owners/{project_user}", headers=header(token("hops", **CONTROL_PLANE)))
    assert answer.status_code == 200


def test_a_member_removed_a_minute_ago_starts_nothing_with_the_token_that_is_left(tmp_path):
    async def attack():
        async with service(tmp_path, SlowBackend()) as client:
            kept = header(token())
            assert (await client.post("/sessions", json={}, headers=kept)).status_code == 201
            await remove(client, "red__mallory")
            for method, path in (
                ("POST", "/sessions"),
                ("POST", "/batches"),
                ("GET", "/sessions"),
                ("GET", "/version"),
            ):
                answer = await client.request(method, path, json={"file": "a.py"}, headers=kept)
                assert answer.status_code == 401, (method, path, answer.text)
        async with service(tmp_path, SlowBackend()) as restarted:
            assert (await restarted.post("/sessions", json={}, headers=kept)).status_code == 401
            # Another member of the same project, and whoever comes back with a new token, are let in.
            assert (await restarted.post("/sessions", json={}, headers=header(token("ada")))).status_code == 201
            again = header(token(age_s=-5))
            assert (await restarted.post("/sessions", json={}, headers=again)).status_code == 201

    asyncio.run(attack())


def test_a_removed_members_session_gets_no_time_and_one_that_ends_otherwise_does(tmp_path):
    async def attack():
        backend = SlowBackend()
        async with service(tmp_path, backend) as client:
            plane = header(token("hops", **CONTROL_PLANE))
            for user in ("mallory", "ada"):
                made = await client.post("/sessions", json={"numExecutors": 2}, headers=header(token(user)))
                assert made.status_code == 201, made.text
            use = {"sessions": 2, "executors": 4}
            assert (await client.get("/projects/red/use", headers=plane)).json().items() >= use.items()
            assert (await client.get("/projects/blue/use", headers=plane)).json()["sessions"] == 0
            for stranger in (token(), token(kind="user", project=None, role=None)):
                assert (await client.get("/projects/red/use", headers=header(stranger))).status_code == 403
            await remove(client, "red__mallory")
            told = {"reason": "Spark sessions were switched off in this project."}
            answer = await client.delete("/owners/red__ada", params=told, headers=plane)
            assert answer.json() == {"ended": 1}
            assert [driver.ended_at_once for driver in backend.drivers] == [True, False]
            (hers,) = (await client.get("/sessions", headers=header(token("ada")))).json()["sessions"]
            assert told["reason"] in str(hers), "who stays a member is let in, and reads why"
            assert (await client.get("/projects/red/use", headers=plane)).json()["sessions"] == 0

    asyncio.run(attack())


def test_a_session_that_is_starting_while_its_owner_is_removed_does_not_survive(tmp_path):
    async def attack():
        backend = SlowBackend(start_s=1)
        async with service(tmp_path, backend) as client:
            starting = asyncio.create_task(client.post("/sessions", json={}, headers=header(token())))
            await until_async(lambda: backend.asked)
            await remove(client, "red__mallory")
            assert (await starting).status_code == 401
            assert [driver.ended.done() for driver in backend.drivers] == [True]

    asyncio.run(attack())


def test_many_requests_at_the_same_moment_get_no_more_sessions_than_one_may_have(tmp_path):
    async def attack():
        async with service(tmp_path, SlowBackend(), sessions_per_owner=3) as client:
            requests = [client.post("/sessions", json={}, headers=header(token())) for _ in range(20)]
            statuses = [answer.status_code for answer in await asyncio.gather(*requests)]
            assert (statuses.count(201), statuses.count(429)) == (3, 17)

    asyncio.run(attack())


def test_the_outputs_of_a_session_do_not_pile_up_in_the_service(tmp_path):
    async def attack():
        async with service(tmp_path, SlowBackend(), session_output_bytes=100_000) as client:
            client.headers.update(header(token()))
            session = (await client.post("/sessions", json={})).json()["id"]
            for _ in range(20):
                made = (await client.post(f"/sessions/{session}/statements", json={"code": "30000"})).json()["id"]
                answer = (await client.get(f"/sessions/{session}/statements/{made}")).json()
                assert len(answer["output"]["data"]["text/plain"]) == 30_000
            everything = await client.get(f"/sessions/{session}/statements?size=-1")
            assert len(everything.content) < 300_000
            assert "was dropped" in everything.text

    asyncio.run(attack())


@pytest.mark.parametrize("kind", ["user", "service"])
def test_a_token_of_no_project_or_of_a_service_opens_no_session(tmp_path, kind):
    async def attack():
        async with service(tmp_path, SlowBackend()) as client:
            stranger = header(token(kind=kind, project=None, role=None))
            assert (await client.post("/sessions", json={}, headers=stranger)).status_code == 403
            assert (await client.delete("/owners/blue__bob", headers=header(token()))).status_code == 403
            assert (await client.delete("/owners/blue__bob", headers=stranger)).status_code == 403

    asyncio.run(attack())


def _routes_of_one():
    """Every method and path of the service that names a session or a batch."""
    app = create_app(Settings(home=Home(Path("/none")), gpus=0), keys=OurKeys(), backend=SlowBackend())
    prefix = httpx.URL(PREFIX).path
    found = [
        (method, str(route.path).removeprefix(prefix))
        for route in iter_route_contexts(app.routes)
        if "{session_id}" in str(route.path) or "{batch_id}" in str(route.path)
        for method in route.methods or ()
    ]
    return sorted(found)


ROUTES = _routes_of_one()
FILLED = {"{statement_id}": "0", "{page:path}": "jobs/", "{job_id}": "0"}


def test_all_routes_of_a_session_are_found():
    assert {path.split("/")[3] for _method, path in ROUTES if path.count("/") > 2} >= {
        "state", "log", "summary", "completion", "inspection", "connect", "stop", "interrupt", "statements", "ui",
        "submit-job", "jobs",
    }  # fmt: skip
    assert {path.split("/")[1] for _method, path in ROUTES} == {"sessions", "batches", "overview"}


@pytest.fixture
def _no_role(monkeypatch):
    """The control plane knows everybody, and nobody as administrator or Data Owner."""

    async def control_plane(_transport, request):
        limits = request.url.path.endswith("/limits")
        return httpx.Response(200, json=ServerLimits().model_dump(mode="json") if limits else {"admin": False})

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", control_plane)


@pytest.mark.usefixtures("_no_role")
def test_a_session_of_somebody_else_is_as_absent_as_none_on_every_route(tmp_path):
    file = tmp_path / "projects" / "blue" / "Resources" / "job.py"
    file.parent.mkdir(parents=True)
    file.write_text("print(7)")
    body = {"code": "1", "cursor": 0}

    async def attack():
        async with service(tmp_path, SlowBackend()) as client:
            bob = header(token("bob", "blue"))
            session = (await client.post("/sessions", json={"name": "hers"}, headers=bob)).json()["id"]
            batch = await client.post("/batches", json={"file": "Resources/job.py", "name": "job"}, headers=bob)
            made = await client.post(f"/sessions/{session}/statements", json={"code": "1"}, headers=bob)
            assert made.json()["id"] == 0
            for method, path in ROUTES:
                kind, of_batches = path.split("/")[1], path.startswith("/batches")
                theirs = [batch.json()["id"] if of_batches else session, "job" if of_batches else "hers"]
                for caller in (token(), token("bob", "red"), token("mallory", "blue")):
                    texts = set()
                    for one in (*theirs[: 1 if kind == "overview" else 2], 4711):
                        address = path
                        for name, value in {**FILLED, "{session_id}": str(one), "{batch_id}": str(one)}.items():
                            address = address.replace(name, value)
                        answer = await client.request(method, address, json=body, headers=header(caller))
                        assert answer.status_code == 404, (method, address, answer.text)
                        texts.add(answer.text.replace(f"'{one}'", "").replace(f" {one} ", "  "))
                    assert len(texts) == 1, (method, path, texts)
                if method == "GET":
                    address = address.replace("4711", str(theirs[0]))
                    assert (await client.get(address, headers=bob)).status_code != 404, f"{address} is none at all"
            assert (await client.get(f"/sessions/{session}", headers=bob)).json()["state"] == "idle"
            assert (await client.get(f"/batches/{batch.json()['id']}", headers=bob)).status_code == 200

    asyncio.run(attack())


@pytest.mark.parametrize("path", ["/sessions", "/sessions:check", "/batches"])
@pytest.mark.parametrize("who", ["bob", "red__bob", "blue__mallory", "root"])
def test_nobody_acts_as_somebody_else(tmp_path, path, who):
    async def attack():
        backend = SlowBackend()
        async with service(tmp_path, backend) as client:
            body = {"proxyUser": who, "file": "Resources/job.py"} if path == "/batches" else {"proxyUser": who}
            file = tmp_path / "projects" / "red" / "Resources" / "job.py"
            file.parent.mkdir(parents=True)
            file.write_text("print(7)")
            answer = await client.post(path, json=body, headers=header(token()))
            assert (answer.status_code, answer.json()["detail"]) == (
                400, "proxyUser can't be chosen: a session acts as its owner only.",
            )  # fmt: skip
            assert backend.drivers == []
            own = await client.post(path, json={**body, "proxyUser": "red__mallory"}, headers=header(token()))
            assert own.is_success

    asyncio.run(attack())


def test_no_warm_session_is_lost_out_of_sight_however_its_owner_asks_for_them(tmp_path, monkeypatch):
    monkeypatch.setattr(Idleness, "why_no_room", lambda *_: None)

    async def attack():
        backend = SlowBackend()
        async with service(tmp_path, backend) as client:
            mine = header(token())
            for _ in range(3):
                bodies = [{"options": {"executor_memory_mib": 600 + number}} for number in range(6)]
                await asyncio.gather(*(client.post("/sessions:warm", json=body, headers=mine) for body in bodies))
            living = [driver for driver in backend.drivers if not driver.ended.done()]
            assert len(living) == 1
            await remove(client, "red__mallory")
            assert all(driver.ended.done() for driver in backend.drivers)

    asyncio.run(attack())


@pytest.mark.parametrize("content", ["", "x", "7\n8"])
def test_a_number_that_can_not_be_read_stops_no_service_and_is_not_given_again(tmp_path, content):
    async def attack():
        (tmp_path / "run" / "session-records" / "41").mkdir(parents=True)
        (tmp_path / "run" / "sessions").mkdir(parents=True)
        (tmp_path / "run" / "sessions" / "last-id").write_text(content)
        async with service(tmp_path, SlowBackend()) as client:
            assert (await client.post("/sessions", json={}, headers=header(token()))).json()["id"] == 42

    asyncio.run(attack())
