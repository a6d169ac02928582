"""Who sees and ends whose sessions: every route for every role, and what each is told."""

# ruff: noqa: ARG002 - the fakes take what the ports hand them

import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import httpx
import jwt
import pytest

from hops_contract.layout import Home
from hops_contract.options import ServerLimits
from hops_livy import standing
from hops_livy.app import create_app
from hops_livy.builtin.launch import page_key
from hops_livy.engines.amounts import Amount, Room
from hops_livy.engines.drivers import Completion, Ending, Executed, Inspection, SparkPages
from hops_livy.settings import Settings
from tests.unit.livy.callers import OurKeys, bearer

PREFIX = "http://livy.test/services/livy"
SECRET = "password = 'of ada'"


class Parts(httpx.AsyncByteStream):
    """The body of an answer that comes in parts."""

    def __init__(self, *parts):
        self.parts = parts

    async def __aiter__(self):
        for part in self.parts:
            yield part


class WillingDriver:
    """Ready at once; what says ``wait`` runs until the test lets it end."""

    app_id, state, shows_pages = "local-1", MappingProxyType({}), True

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.ready, self.ended, self.go_on = loop.create_future(), loop.create_future(), loop.create_future()
        self.ready.set_result(None)

    async def execute(self, code, *, kind, statement, on_message, execution_count=None):
        if "wait" in code:
            await self.go_on
        return Executed(status="ok")

    async def interrupt(self):
        pass

    async def complete(self, code, cursor, *, kind="pyspark"):
        return Completion.nothing(cursor)

    async def inspect(self, code, cursor, *, kind="pyspark", detail_level=0):
        return Inspection()

    async def works(self):
        return False

    def log(self):
        return ["a line of the driver"]

    async def spark_pages(self):
        return SparkPages(url="http://127.0.0.1:4040", key=page_key("a secret"))

    def renew_token(self, token):
        pass

    def forget(self, statement):
        pass

    def detach(self):
        pass

    async def end(self, reason, *, at_once=False):
        if not self.ended.done():
            self.ended.set_result(Ending(reason=reason, asked=True))


class WillingBackend:
    def __init__(self):
        self.drivers = {}

    async def prepare(self, known):
        pass

    async def close(self):
        pass

    async def check(self, shape, *, owner, instead_of=None):
        pass

    def needs(self, shape):
        return Amount(sessions=1)

    def room(self):
        return Room()

    async def start(self, request):
        self.drivers[request.session_id] = WillingDriver()
        return self.drivers[request.session_id]


@dataclass
class ControlPlane:
    """Knows roles and administrators as they are at this moment."""

    roles: dict = field(
        default_factory=lambda: {
            ("weather", "ada"): "data_scientist", ("weather", "ben"): "data_scientist",
            ("weather", "olga"): "data_owner", ("sales", "otto"): "data_owner", ("sales", "ada"): "data_scientist",
        }
    )  # fmt: skip
    administrators: set = field(default_factory=lambda: {"root"})
    deactivated: set = field(default_factory=set)
    away: bool = False
    asked: list = field(default_factory=list)

    async def answer(self, _transport, request):
        if request.url.port == 4040:
            return httpx.Response(200, stream=Parts(b"Spark's page ", b"of jobs"))
        path = request.url.path.partition("/api/v1/")[2]
        if path.endswith("/limits"):
            return httpx.Response(200, json=ServerLimits().model_dump(mode="json"))
        self.asked.append(path)
        if self.away:
            raise httpx.ConnectError("away")
        claims = jwt.decode(request.headers["Authorization"].split()[1], options={"verify_signature": False})
        user = claims["sub"]
        if user in self.deactivated:
            return httpx.Response(401, json={"detail": "This user can't log in (any more)."})
        if path == "me":
            return httpx.Response(200, json={"admin": claims["kind"] == "user" and user in self.administrators})
        role = self.roles.get((path.removeprefix("projects/"), user))
        if role is None and user not in self.administrators:
            return httpx.Response(404, json={"detail": "There is no such project."})
        return httpx.Response(200, json={"name": "weather", "role": role})


@pytest.fixture(autouse=True)
def control_plane(monkeypatch):
    plane = ControlPlane()

    async def answer(transport, request):
        return await plane.answer(transport, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    return plane


OWNER = bearer("ada", "weather")
# Each token calls its holder a Data Owner: who believed it would let all of them in.
ROLES = {
    "owner": OWNER,
    "owner as a person": bearer("ada"),
    "other member": bearer("ben", "weather"),
    "other member as a person": bearer("ben"),
    "Data Owner": bearer("olga", "weather"),
    "Data Owner as a person": bearer("olga"),
    "Data Owner of another project": bearer("otto", "sales"),
    "Data Owner of another project as a person": bearer("otto"),
    "owner in another project": bearer("ada", "sales"),
    "administrator": bearer("root", admin=True),
    "administrator no more": bearer("leif", admin=True),
    "stranger": bearer("eve", "elsewhere"),
    "stranger as a person": bearer("eve"),
    "service": bearer("hops", kind="service"),
    "nobody": {},
}
HERS = {"owner"}
LOOKERS = {"owner", "owner as a person", "Data Owner", "Data Owner as a person", "administrator"}
ROUTES = {
    "GET /health": None,
    "GET /version": None,
    "GET /sessions": None,
    "POST /sessions": None,
    "GET /batches": None,
    "POST /batches": None,
    "GET /overview": None,
    "POST /overview:stop-idle": None,
    "POST /sessions:warm": None,
    "POST /sessions:check": None,
    "DELETE /owners/{project_user}": None,
    "GET /projects/{project}/use": None,
    "GET /happenings": None,
    "GET /sessions/{session_id}": HERS,
    "GET /sessions/{session_id}/state": HERS,
    "GET /sessions/{session_id}/log": HERS,
    "GET /sessions/{session_id}/summary": HERS,
    "GET /sessions/{session_id}/ui/{page}": HERS,
    "GET /sessions/{session_id}/statements": HERS,
    "GET /sessions/{session_id}/statements/{statement_id}": HERS,
    "GET /sessions/{session_id}/statements/{statement_id}/events": HERS,
    "POST /sessions/{session_id}/statements": HERS,
    "POST /sessions/{session_id}/statements/{statement_id}/cancel": HERS,
    "POST /sessions/{session_id}/completion": HERS,
    "POST /sessions/{session_id}/inspection": HERS,
    "POST /sessions/{session_id}/connect": HERS,
    "POST /sessions/{session_id}/interrupt": HERS,
    "POST /sessions/{session_id}/stop": HERS,
    "DELETE /sessions/{session_id}": HERS,
    "GET /batches/{batch_id}": set(),  # the number is that of a session
    "GET /batches/{batch_id}/state": set(),
    "GET /batches/{batch_id}/log": set(),
    "DELETE /batches/{batch_id}": set(),
    "GET /overview/{session_id}": LOOKERS,
    "GET /overview/{session_id}/log": LOOKERS,
    "DELETE /overview/{session_id}": LOOKERS,
}
"""Who may, of each route on one session; ``None`` for those on no particular one, which have tests of their own."""


@asynccontextmanager
async def service(home, backend=None):
    app = create_app(Settings(home=Home(home), gpus=0), keys=OurKeys(), backend=backend or WillingBackend())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PREFIX) as client:
            client.app = app
            yield client


async def session_of(client, headers, code=None, **options):
    """A new session in which ``code`` has run, or runs, where it waits."""
    made = await client.post("/sessions", json=options, headers=headers)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert (await client.get(f"/sessions/{number}", headers=headers)).json()["state"] == "idle"
    if code is not None:
        statement = await client.post(f"/sessions/{number}/statements", json={"code": code}, headers=headers)
        address = f"/sessions/{number}/statements/{statement.json()['id']}"
        if "wait" not in code:
            await client.get(address, headers=headers)
        else:
            while (await client.get(f"{address}?hold=false", headers=headers)).json()["state"] == "waiting":  # noqa: ASYNC110 - as a client would
                await asyncio.sleep(0)
    return number


async def numbers(client, headers, scope, **parameters):
    answer = await client.get("/overview", params={"scope": scope, **parameters}, headers=headers)
    return [one["id"] for one in answer.json()["items"]] if answer.status_code == 200 else answer.status_code


def test_every_route_has_its_row_in_the_table(tmp_path):
    paths = create_app(Settings(home=Home(tmp_path), gpus=0)).openapi()["paths"]
    operations = {
        f"{method.upper()} {path.removeprefix('/services/livy')}" for path, one in paths.items() for method in one
    }
    assert operations == ROUTES.keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_session_is_there_for_whom_the_table_names_and_absent_for_all_others(tmp_path, role):
    async def walk():
        async with service(tmp_path) as client:
            for route, may in ROUTES.items():
                if may is None:
                    continue
                method, path = route.split()
                number = await session_of(client, OWNER, SECRET)
                texts = []
                for wanted in (number, 4711):
                    answer = await client.request(
                        method,
                        path.format(session_id=wanted, batch_id=wanted, statement_id=0, page="jobs/"),
                        json={"code": "1", "cursor": 0} if method == "POST" else None,
                        headers=ROLES[role],
                    )
                    texts.append((answer.status_code, re.sub(rf"(?i)(session|batch) '?{wanted}\b", "it", answer.text)))
                if role in may:
                    assert texts[0][0] in (200, 201, 204), (route, texts)
                else:
                    assert texts[0] == texts[1], route
                    # 403: who belongs to no project has no sessions in Livy's sense, and a service none at all.
                    assert texts[0][0] in ({401} if role == "nobody" else {404, 403}), (route, texts)
                await client.delete(f"/sessions/{number}", headers=OWNER)

    asyncio.run(walk())


@pytest.mark.parametrize(
    ("role", "own", "project", "everything"),
    [
        ("owner", [0], 403, 403),
        ("owner as a person", [2, 0], 403, 403),
        ("other member", [1], 403, 403),
        ("Data Owner", [], [1, 0], 403),
        ("Data Owner as a person", [], [1, 0], 403),
        ("Data Owner of another project", [3], 404, 403),
        ("Data Owner of another project as a person", [3], 404, 403),
        ("owner in another project", [2], 404, 403),
        ("administrator", [], [1, 0], [3, 2, 1, 0]),
        ("administrator no more", [], 404, 403),
        ("stranger", [], 404, 403),
        ("stranger as a person", [], 404, 403),
        ("service", 403, 403, 403),
        ("nobody", 401, 401, 401),
    ],
)
def test_each_scope_shows_what_the_role_may_see_and_ends_no_more(tmp_path, role, own, project, everything):
    async def look():
        async with service(tmp_path) as client:
            for owner in (OWNER, bearer("ben", "weather"), bearer("ada", "sales"), bearer("otto", "sales")):
                await session_of(client, owner)
            seen = {"own": own, "project": project, "all": everything}
            for scope, expected in seen.items():
                assert await numbers(client, ROLES[role], scope, project="weather") == expected, scope
            for scope, expected in seen.items():
                answer = await client.post(
                    "/overview:stop-idle", json={"scope": scope, "project": "weather"}, headers=ROLES[role]
                )
                if isinstance(expected, int):
                    assert answer.status_code == expected, scope
                else:
                    ended = {one for earlier in seen.values() if isinstance(earlier, list) for one in earlier}
                    assert set(answer.json()["ended"]) <= ended & set(expected)
            left = await client.get("/overview", params={"scope": "all"}, headers=ROLES["administrator"])
            mine = {
                one for one in range(4) if any(isinstance(seen[scope], list) and one in seen[scope] for scope in seen)
            }
            assert {one["id"] for one in left.json()["items"] if one["state"] == "killed"} == mine

    asyncio.run(look())


def test_a_session_tells_its_owner_in_which_notebook_it_works_and_everybody_when_it_ends(tmp_path):
    told = {"kernel": "k-1", "notebook": "Jupyter/days.ipynb"}

    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, ttl="10m", **told)
            own = (await client.get(f"/overview/{number}", headers=OWNER)).json()
            assert {name: own[name] for name in told} == told
            assert abs(own["ends"] - own["idle_since"] - 600) < 1
            others = (await client.get(f"/overview/{number}", headers=ROLES["Data Owner"])).json()
            assert (others["kernel"], others["notebook"], others["ends"] is None) == ("k-1", None, False)
            later = {"kernel": "k-2", "notebook": "Jupyter/other.ipynb"}
            await client.post(f"/sessions/{number}/connect", json=later, headers=OWNER)
            summary = (await client.get(f"/sessions/{number}/summary", headers=OWNER)).json()
            assert {name: summary[name] for name in later} == later
            await client.post(f"/sessions/{number}/connect", headers=OWNER)
            again = (await client.get(f"/overview/{number}", headers=OWNER)).json()
            assert again["kernel"] == "k-2", "without a body it stays as it is"

    asyncio.run(look())


def test_statements_whose_end_nobody_was_told_are_found(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "1")
            statements = f"/sessions/{number}/statements"
            headers = {**OWNER, "Cell-Id": "6a1f", "Execution-Count": "4"}
            await client.post(statements, json={"code": "2"}, headers=headers)
            await client.get(f"/sessions/{number}", headers=OWNER)
            (unseen,) = (await client.get(statements, params={"seen": False}, headers=OWNER)).json()["statements"]
            assert {name: unseen[name] for name in ("code", "cell", "cell_id", "seen", "state")} == {
                "code": "2", "cell": 4, "cell_id": "6a1f", "seen": False, "state": "available",
            }  # fmt: skip
            plain = (await client.get(statements, params={"output": False}, headers=OWNER)).json()["statements"]
            assert [("output" in one, one["code"]) for one in plain] == [(False, "1"), (False, "2")]
            await client.get(f"{statements}/1/events", headers=OWNER)
            assert (await client.get(statements, params={"seen": False}, headers=OWNER)).json()["statements"] == []

    asyncio.run(look())


def test_of_anothers_statement_the_state_and_the_times_are_told_and_not_a_word_of_its_code(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, f"\n{SECRET}\n1", name="nightly", executorMemory="2g")
            own = (await client.get(f"/overview/{number}", headers=OWNER)).json()
            assert (own["own"], own["last_statement"]["line"]) == (True, SECRET)
            assert (own["resources"]["executor_memory_mib"], own["name"], own["statements"]) == (2048, "nightly", 1)
            assert own["idle_since"] >= own["created"] - 1
            for path in ("/overview?scope=project", f"/overview/{number}"):
                answer = await client.get(path, headers=ROLES["Data Owner"])
                assert SECRET not in answer.text
                item = answer.json()["items"][0] if "items" in answer.json() else answer.json()
                last = own["last_statement"] | {"line": None}
                # Of the clock: each may be told a tenth of a second apart.
                clock = {name: item[name] for name in ("idle_since", "ends", "heard")}
                changed = {"own": False, "last_statement": last, "spark_ui": None, **clock}
                assert item == own | changed

    asyncio.run(look())


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("Data Owner", "It was stopped by Data Owner olga."),
        ("administrator", "It was stopped by administrator root."),
        ("owner", "It was stopped by its owner."),
    ],
)
def test_who_ended_it_stands_in_the_session_and_in_the_cell_that_ran(tmp_path, role, reason):
    async def end():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "wait")
            answer = await client.delete(f"/overview/{number}", headers=ROLES[role])
            assert (answer.json()["state"], answer.json()["reason"]) == ("killed", reason)
            # It is not forgotten: its owner's client still finds the reason.
            assert (await client.get(f"/sessions/{number}/summary", headers=OWNER)).json()["reason"] == reason
            cell = (await client.get(f"/sessions/{number}/statements/0", headers=OWNER)).json()
            assert cell["output"]["evalue"] == f"SessionEnded: {reason}"
            again = await client.delete(f"/overview/{number}", headers=ROLES["Data Owner"])
            assert again.json()["reason"] == reason, "who comes second changes nothing"

    asyncio.run(end())


def test_only_idle_ones_are_ended_and_of_these_only_those_that_are_named(tmp_path):
    async def end():
        backend = WillingBackend()
        async with service(tmp_path, backend) as client:
            busy = await session_of(client, OWNER, "wait")
            idle, spared = await session_of(client, OWNER), await session_of(client, OWNER)
            elsewhere = await session_of(client, bearer("otto", "sales"))
            request = {"scope": "project", "sessions": [busy, idle, elsewhere]}
            answer = await client.post("/overview:stop-idle", json=request, headers=ROLES["Data Owner"])
            assert answer.json() == {"ended": [idle]}
            assert await reason_of(client, idle) == "It was idle and was stopped by Data Owner olga."
            answer = await client.post("/overview:stop-idle", json={"scope": "own"}, headers=OWNER)
            assert answer.json() == {"ended": [spared]}
            assert await reason_of(client, spared) == "It was idle and was stopped by its owner."
            assert (await client.get(f"/sessions/{busy}/state", headers=OWNER)).json()["state"] == "busy"

    async def reason_of(client, number):
        return (await client.get(f"/sessions/{number}/summary", headers=OWNER)).json()["reason"]

    asyncio.run(end())


def test_a_data_owner_who_was_demoted_ends_nothing_and_soon_sees_nothing(tmp_path, control_plane, monkeypatch):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER)
            olga = ROLES["Data Owner"]
            assert await numbers(client, olga, "project") == [number]
            control_plane.roles["weather", "olga"] = "data_scientist"
            assert (await client.delete(f"/overview/{number}", headers=olga)).status_code == 404
            answer = await client.post("/overview:stop-idle", json={"scope": "project"}, headers=olga)
            assert answer.status_code == 403
            assert "Only a Data Owner" in answer.json()["detail"]
            monkeypatch.setattr(standing, "KEPT_S", 0.0)
            assert await numbers(client, olga, "project") == 403
            assert (await client.get(f"/sessions/{number}/state", headers=OWNER)).json()["state"] == "idle"

    asyncio.run(look())


def test_an_administrator_who_is_none_any_more_or_may_not_log_in_sees_nothing(tmp_path, control_plane, monkeypatch):
    monkeypatch.setattr(standing, "KEPT_S", 0.0)

    async def look():
        async with service(tmp_path) as client:
            await session_of(client, OWNER)
            root = ROLES["administrator"]
            assert await numbers(client, root, "all") == [0]
            control_plane.administrators.clear()
            assert await numbers(client, root, "all") == 403
            control_plane.deactivated.add("root")
            assert await numbers(client, root, "own") == 401

    asyncio.run(look())


def test_who_is_no_member_any_more_is_refused_like_at_livys_routes(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            await session_of(client, OWNER)
            await client.delete("/owners/weather__ada", headers=ROLES["service"])
            assert await numbers(client, OWNER, "own") == 401

    asyncio.run(look())


def test_while_the_control_plane_is_away_everybody_sees_their_own_and_nobody_anothers(tmp_path, control_plane):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER)
            control_plane.away = True
            assert await numbers(client, OWNER, "own") == [number]
            answer = await client.get(f"/overview/{number}", headers=OWNER)
            assert answer.status_code == 200
            for wanted in (number, 4711):
                answer = await client.get(f"/overview/{wanted}", headers=ROLES["Data Owner"])
                assert answer.status_code == 503
            answer = await client.get("/overview", params={"scope": "project"}, headers=ROLES["Data Owner"])
            assert (answer.status_code, answer.json()["remedy"]) == (
                503, "Try again in a moment; your own sessions are shown all the same.",
            )  # fmt: skip

    asyncio.run(look())


def test_the_role_is_asked_for_once_for_many_looks(tmp_path, control_plane):
    async def look():
        async with service(tmp_path) as client:
            await session_of(client, OWNER)
            for _ in range(5):
                await numbers(client, ROLES["Data Owner"], "project")
            assert control_plane.asked == ["projects/weather"]

    asyncio.run(look())


def test_the_list_comes_in_pages(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            made = [await session_of(client, OWNER) for _ in range(5)]
            first = (await client.get("/overview", params={"limit": 2}, headers=OWNER)).json()
            assert (first["total"], first["idle"], first["next"]) == (5, 5, made[3])
            second = (await client.get("/overview", params={"limit": 2, "after": first["next"]}, headers=OWNER)).json()
            last = (await client.get("/overview", params={"limit": 2, "after": second["next"]}, headers=OWNER)).json()
            shown = [one["id"] for page in (first, second, last) for one in page["items"]]
            assert (shown, last["next"]) == (made[::-1], None)

    asyncio.run(look())


def test_a_list_is_held_until_there_is_something_new_for_who_waits(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER)
            version = (await client.get("/overview", headers=OWNER)).json()["version"]
            same = await client.get("/overview", params={"seen": version, "wait_s": 0.05}, headers=OWNER)
            assert same.json()["version"] == version
            held = asyncio.create_task(client.get("/overview", params={"seen": version, "wait_s": 20}, headers=OWNER))
            await asyncio.sleep(0)
            await session_of(client, bearer("otto", "sales"))
            assert not held.done()
            await client.post(f"/sessions/{number}/statements", json={"code": "wait"}, headers=OWNER)
            (item,) = (await held).json()["items"]
            assert (item["state"], item["last_statement"]["line"]) == ("busy", "wait")

    asyncio.run(look())


def test_statements_that_wait_are_counted_and_cancelled_ones_are_not(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "wait")
            for _ in range(3):
                await client.post(f"/sessions/{number}/statements", json={"code": "1"}, headers=OWNER)
            await client.post(f"/sessions/{number}/statements/2/cancel", headers=OWNER)
            item = (await client.get(f"/overview/{number}", headers=OWNER)).json()
            assert (item["statements"], item["waiting"]) == (4, 2)

    asyncio.run(look())


def test_a_name_that_others_use_too_finds_ones_own(tmp_path):
    async def main():
        async with service(tmp_path) as client:
            mine = await session_of(client, OWNER, name="days")
            theirs = await session_of(client, ROLES["other member"], name="days")
            for headers, number in ((OWNER, mine), (ROLES["other member"], theirs)):
                assert (await client.get("/sessions/days", headers=headers)).json()["id"] == number

    asyncio.run(main())


def test_looking_on_is_no_sign_of_life(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, heartbeatTimeoutInSecond=60)
            session = client.app.state.registry.sessions.all()[0]
            session.last_heard = 0.0
            for headers in (OWNER, ROLES["Data Owner"]):
                await client.get("/overview", headers=headers)
                await client.get(f"/overview/{number}", headers=headers)
                await client.get(f"/overview/{number}/log", headers=headers)
            assert session.last_heard == 0.0
            assert "No client asked" in session.expired(time.monotonic() + 60)

    asyncio.run(look())


def test_a_person_says_which_project_is_meant(tmp_path):
    async def look():
        async with service(tmp_path) as client:
            assert await numbers(client, ROLES["Data Owner as a person"], "project") == 400

    asyncio.run(look())


def test_one_person_holds_eight_lists_at_the_same_moment(tmp_path):
    async def test():
        async with service(tmp_path) as client:
            version = (await client.get("/overview", headers=OWNER)).json()["version"]
            path = f"/overview?seen={version}&wait_s=20"
            held = [asyncio.create_task(client.get(path, headers=OWNER)) for _ in range(8)]
            for _ in range(500):
                if client.app.state.overviews_held._taken.get("ada") == 8:
                    break
                await asyncio.sleep(0.01)
            refused = await client.get(path, headers=ROLES["owner in another project"])
            assert (refused.status_code, "Close some of the pages" in refused.json()["remedy"]) == (429, True)
            await session_of(client, OWNER)
            assert {answer.status_code for answer in await asyncio.gather(*held)} == {200}

    asyncio.run(test())
