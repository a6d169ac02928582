"""The platform's own REST interface with Apache Livy behind it: owners, states, reasons, outputs are the platform's."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from hops_contract.layout import Home
from hops_contract.options import ServerLimits
from hops_livy.app import create_app, make_backend
from hops_livy.builtin.backend import BuiltinSessions
from hops_livy.gpus import GpuLedger
from hops_livy.settings import Settings
from hops_livy.upstream.backend import UpstreamSessions
from hops_livy.upstream_settings import UpstreamSettings
from hops_livy.variables import SettingsError
from tests.contract.livy.scripted_livy import ScriptedLivy, proxy_error, text
from tests.unit.livy.callers import OurKeys, bearer
from tests.waiting import until_async

LIVY = UpstreamSettings(url="http://livy.test")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    async def control_plane(_transport, request):
        assert request.url.path.endswith("/limits")
        return httpx.Response(200, json=ServerLimits().model_dump(mode="json"))

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", control_plane)
    monkeypatch.setattr("hops_livy.upstream.rounds.list_pause", lambda _pages, *, starting: 0.02)  # noqa: ARG005
    monkeypatch.setattr("hops_livy.upstream.backend.probe_pause", lambda _sessions: 0.02)
    monkeypatch.setattr("hops_livy.upstream.watch.away_pause", lambda _failures: 0.02)


@asynccontextmanager
async def service(folder, livy):
    home = Home(folder)
    backend = UpstreamSessions(home, LIVY, start_s=60, deserted_s=600, transport=httpx.ASGITransport(livy.app))
    app = create_app(Settings(home=home, gpus=0, upstream=LIVY), keys=OurKeys(), backend=backend)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        base = "http://hops.test/services/livy"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=bearer("ada", "weather")) as client:
            yield client


async def until_summary(client, session_id, condition):
    async def summary():
        return (await client.get(f"/sessions/{session_id}/summary")).json()

    return await until_async(summary, wanted=condition)


def test_a_session_there_is_one_of_ours_here(tmp_path):
    livy = ScriptedLivy(outputs={"1+1": text("2")})
    livy.add(name="somebody's", proxy_user="somebody")

    async def test():
        async with service(tmp_path, livy) as client:
            created = (await client.post("/sessions", json={"kind": "pyspark", "name": "mine"})).json()
            ours = f"/sessions/{created['id']}"
            found = (await client.get(ours)).json()
            assert (found["state"], found["owner"], found["name"], found["appId"]) == (
                "idle", "weather__ada", "mine", "application_9_0001",
            )  # fmt: skip
            assert [session["id"] for session in (await client.get("/sessions")).json()["sessions"]] == [created["id"]]
            for method, path in (("GET", ours), ("DELETE", ours), ("POST", f"{ours}/statements")):
                foreign = await client.request(method, path, headers=bearer("mallory", "weather"), json={"code": "1+1"})
                assert foreign.status_code == 404
            statement = (await client.post(f"{ours}/statements", json={"code": "1+1"})).json()
            done = (await client.get(f"{ours}/statements/{statement['id']}")).json()
            assert (done["state"], done["output"]["data"]) == ("available", {"text/plain": "2"})
            refused = await client.post(f"{ours}/inspection", json={"code": "spark", "cursor": 5})
            assert (refused.status_code, "help(…)" in refused.json()["msg"]) == (501, True)
            livy.behind = proxy_error
            away = await until_summary(client, created["id"], lambda summary: summary["reason"])
            assert (away["state"], "HTTP 502" in away["reason"]) == ("idle", True)
            livy.behind = None
            await until_summary(client, created["id"], lambda summary: not summary["reason"])
            assert (await client.delete(ours)).status_code == 200
        assert list(livy.sessions) == [0]

    asyncio.run(test())


@pytest.mark.parametrize("path", ["/sessions", "/batches", "/sessions:check"])
def test_no_queue_of_the_cluster_can_be_chosen(tmp_path, path):
    (tmp_path / "projects" / "weather").mkdir(parents=True)
    (tmp_path / "projects" / "weather" / "job.py").touch()

    async def test():
        async with service(tmp_path, ScriptedLivy()) as client:
            body = {"file": "job.py"} if path == "/batches" else {}
            refused = await client.post(path, json={**body, "queue": "research"})
            assert (refused.status_code, "queue can't be chosen" in refused.json()["msg"]) == (501, True)

    asyncio.run(test())


def test_a_later_service_finds_it_again_with_what_it_did_meanwhile(tmp_path):
    livy = ScriptedLivy(outputs={"hold": ScriptedLivy.HOLD})

    async def test():
        async with service(tmp_path, livy) as client:
            created = (await client.post("/sessions", json={})).json()
            ours = f"/sessions/{created['id']}"
            await client.get(ours)
            await client.post(f"{ours}/statements", json={"code": "hold"})
            await until_async(lambda: livy.session().statements)
        livy.session().statements[0].output = text("done meanwhile")
        async with service(tmp_path, livy) as client:
            done = (await client.get(f"{ours}/statements/0")).json()
            assert (done["state"], done["output"]["data"]) == ("available", {"text/plain": "done meanwhile"})
            assert len(livy.session().statements) == 1
            await client.delete(ours)

    asyncio.run(test())


def test_the_settings_choose_what_runs_the_sessions(tmp_path):
    here = Settings(home=Home(tmp_path), gpus=0)
    assert isinstance(make_backend(here, GpuLedger(0), httpx.AsyncClient()), BuiltinSessions)
    there = Settings(home=Home(tmp_path), gpus=0, upstream=LIVY)
    assert isinstance(make_backend(there, GpuLedger(0), httpx.AsyncClient()), UpstreamSessions)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_with_authorities_that_holds_none_is_refused_by_name(tmp_path, content):
    authorities = tmp_path / "ca.pem"
    if content is not None:
        authorities.write_text(content)
    settings = Settings(
        home=Home(tmp_path), gpus=0, upstream=UpstreamSettings(url="https://livy.test", authorities=authorities)
    )
    with pytest.raises(SettingsError, match="HOPS_LIVY_UPSTREAM_CA can't be used") as refused:
        make_backend(settings, GpuLedger(0), httpx.AsyncClient())
    assert str(tmp_path) not in str(refused.value)
