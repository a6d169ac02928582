"""Sessions in a scripted Apache Livy with its bad habits: found again, told of in words, ended for good."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi.responses import Response

from hops_contract.layout import Home
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.engines.drivers import BatchFile, DriverRequest, Executed, Shape, StartError
from hops_livy.upstream import client, driver, leftovers, reach, rounds, watch, work
from hops_livy.upstream.backend import UpstreamSessions
from hops_livy.upstream_settings import Authentication, UpstreamSettings
from tests.contract.livy.scripted_livy import ScriptedLivy, login_form, login_page, proxy_error, text
from tests.waiting import until_async

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
CANCELLED = Executed(
    status="error", error={"ename": "KeyboardInterrupt", "evalue": "Cancelled.", "traceback": ["Cancelled."]}
)


class Network(httpx.AsyncBaseTransport):
    """Leads to a scripted Livy, or nowhere."""

    def __init__(self, livy):
        self.livy, self.down, self._way = livy, False, httpx.ASGITransport(livy.app)

    async def handle_async_request(self, request):
        if self.down:
            raise httpx.ConnectError("refused") from ConnectionRefusedError(111, "Connection refused")
        return await self._way.handle_async_request(request)


class Site:
    """A platform with its Livy."""

    def __init__(self, folder, livy, **settings):
        self.home, self.livy, self.network = Home(folder), livy, Network(livy)
        self.settings = UpstreamSettings(url="http://livy.test", **settings)
        self.told = []

    def backend(self, *, start_s=60.0):
        return UpstreamSessions(self.home, self.settings, start_s=start_s, deserted_s=600.0, transport=self.network)

    def request(self, session_id=0, batch=None):
        return DriverRequest(
            session_id=session_id, application=f"application_1_{session_id:04d}", owner=ADA, token="the owner's token",
            name="mine", shape=Shape(), kept_outputs=self.home.session_records / str(session_id), batch=batch,
            tell=self.told.append,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(rounds, "list_pause", lambda _pages, *, starting: 0.02)  # noqa: ARG005 - the name counts
    monkeypatch.setattr("hops_livy.upstream.backend.probe_pause", lambda _sessions: 0.02)
    for module in (watch, work, leftovers):
        monkeypatch.setattr(module, "away_pause", lambda _failures: 0.02)
    monkeypatch.setattr(watch, "_DOUBTFUL_S", 0.01)
    monkeypatch.setattr(reach, "_APART_S", 0.0)
    monkeypatch.setattr(driver, "_ASKED_AGAIN_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(driver, "_END_S", 0.2)
    monkeypatch.setattr(driver, "_FOUND_S", 0.3)


@pytest.fixture
def livy():
    return ScriptedLivy(outputs={"1+1": text("2"), "hold": ScriptedLivy.HOLD})


@pytest.fixture
def site(tmp_path, livy):
    return Site(tmp_path, livy)


@asynccontextmanager
async def running(site, backend=None, **request):
    """A driver that is ready; whatever becomes of it, it is ended."""
    used = backend or site.backend()
    found = await used.start(site.request(**request))
    try:
        await asyncio.wait_for(asyncio.shield(found.ready), 60)
        yield found
    finally:
        await found.end("the test is over")
        if backend is None:
            await used.close()


async def run(found, code="1+1", number=0, *, call="execute", seen=None):
    got = [] if seen is None else seen
    return await getattr(found, call)(
        code, kind="pyspark", statement=number, on_message=lambda *message: got.append(message)
    )


PRINTED = [("stream", {"name": "stdout", "text": "2\n"})]


def test_the_owners_token_never_goes_to_livy_and_each_request_has_its_header(site, livy):
    async def test():
        async with running(site) as found:
            await run(found)
            found.renew_token("the owner's next token")

    asyncio.run(test())
    assert len(livy.requests) > 4
    for _method, _path, headers, body in livy.requests:
        assert headers["x-requested-by"] == "hopslab"
        assert b"token" not in body
        assert "authorization" not in headers
    assert livy.sessions == {}


def test_a_dead_driver_whose_session_stays_busy_is_told_with_its_cause(site, livy):
    async def test():
        async with running(site) as found:
            running_one = asyncio.create_task(run(found, "hold"))
            await until_async(lambda: livy.session().statements)
            livy.session().log.append("java.lang.OutOfMemoryError: Java heap space")
            livy.session().driver = "dead"
            ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
            with pytest.raises(StartError):
                await running_one
            assert "though Apache Livy still calls its session busy" in ending.reason
            assert "ClosedChannelException" in ending.reason
            assert "ran out of memory: it has 1 GiB" in ending.reason
            assert not ending.asked
            assert "java.lang.OutOfMemoryError: Java heap space" in found.log()
            await until_async(lambda: livy.sessions == {})

    asyncio.run(test())


def test_a_dead_driver_is_noticed_while_nothing_runs(site, livy):
    async def test():
        async with running(site) as found:
            livy.session().driver = "dead"
            ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
            assert "still calls its session idle" in ending.reason

    asyncio.run(test())


def test_a_driver_that_answers_livy_no_more_is_given_up_in_the_end_but_not_at_once(site, livy, monkeypatch):
    async def call(self, method, path, body=None, *, most=0, patience_s=0.05):
        return await original(self, method, path, body, most=client._MOST_VIEW, patience_s=0.05)

    original = client.LivyClient._call

    async def test():
        async with running(site) as found:
            # From here on: on a busy machine a start takes longer.
            monkeypatch.setattr(client, "_ANSWER_S", 0.05)
            monkeypatch.setattr(client.LivyClient, "_call", call)
            livy.session().driver = "silent"
            await asyncio.sleep(0.5)
            assert not found.ended.done()
            monkeypatch.setattr(reach, "_SILENT_S", 0.1)
            ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
            assert "did not answer" in ending.reason

    asyncio.run(test())


@pytest.mark.parametrize(
    ("state", "log", "words"),
    [
        ("dead", "Container killed by YARN for exceeding memory limits.", "used more memory"),
        ("killed", "", "killed on the cluster"),
        ("error", "Permission denied: user=weather__ada", "weather__ada may not"),
        ("success", "", "its own code"),
    ],
)
def test_an_end_that_livy_tells_of_has_its_cause(site, livy, state, log, words):
    async def test():
        async with running(site) as found:
            livy.session().log.append(log)
            livy.session().state = state
            ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
            assert words in ending.reason
            with pytest.raises(StartError):
                await run(found)
            # Livy's list is not filled with what has ended.
            await until_async(lambda: livy.sessions == {})

    asyncio.run(test())


def test_after_a_restart_of_livy_anothers_session_with_the_same_id_is_left_alone(site, livy):
    async def test():
        async with running(site) as found:
            livy.restart()
            other = livy.add(name="theirs", proxy_user="somebody")
            assert other.id == 0
            ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
            assert "no longer knows this session" in ending.reason
        assert livy.sessions == {0: other}
        assert other.statements == []

    asyncio.run(test())


def test_one_of_our_name_that_acts_as_somebody_else_is_not_ours(site, livy):
    async def test():
        async with running(site) as found:
            name = livy.session().name
            livy.restart()
            livy.add(name=name, proxy_user="somebody")
            ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
            assert "to another one" in ending.reason
        assert livy.session().name == name

    asyncio.run(test())


def test_while_livy_is_away_sessions_stay_and_say_why_and_go_on_afterwards(site, livy):
    async def test():
        async with running(site) as found:
            seen = []
            running_one = asyncio.create_task(run(found, "1+1", seen=seen))
            await until_async(lambda: livy.session().statements)
            site.network.down = True
            await until_async(lambda: any("can't be reached (connection refused)" in told for told in site.told))
            waiting = asyncio.create_task(run(found, "1+1", 1))
            await asyncio.sleep(0.1)
            assert not found.ended.done()
            site.network.down = False
            assert (await running_one).status == (await waiting).status == "ok"
            assert seen == PRINTED
            await until_async(lambda: site.told[-1] == "")
            assert [statement.code for statement in livy.session().statements] == ["1+1", "1+1"]

    asyncio.run(test())


@pytest.mark.parametrize("front", [proxy_error, login_page, login_form])
def test_a_page_in_livys_place_ends_no_session_and_starts_none(site, livy, front):
    async def test():
        async with running(site) as found:
            livy.behind = front
            await until_async(lambda: any("Apache Livy" in told for told in site.told))
            with pytest.raises(StartError) as refused:
                await site.backend().start(site.request(session_id=1))
            assert "Apache Livy" in str(refused.value)
            assert "secret" not in str(refused.value) + "".join(site.told)
            assert not found.ended.done()
            livy.behind = None
            assert (await run(found)).status == "ok"

    asyncio.run(test())


def test_a_session_whose_livy_is_away_when_the_service_starts_is_found_when_it_answers(site, livy):
    async def test():
        first = site.backend()
        before = await first.start(site.request())
        await before.ready
        before.detach()
        await first.close()
        site.network.down = True
        later = site.backend()
        found = await later.recover(site.request(), json.loads(json.dumps(before.state)))
        await later.prepare(known={0})
        assert (found.ready.done(), found.ended.done()) == (False, False)
        assert "can't be reached" in site.told[-1]
        site.network.down = False
        await asyncio.wait_for(asyncio.shield(found.ready), 60)
        assert found.app_id == "application_9_0000"
        assert (await run(found)).status == "ok"
        await found.end("over")
        await later.close()

    asyncio.run(test())


def test_a_service_that_died_while_it_asked_for_a_session_leaves_none(site, livy):
    async def test():
        backend = site.backend()
        name = backend._names().name("application_1_0003")
        livy.add(name=name, proxy_user="weather__ada")
        found = await backend.recover(site.request(session_id=3), None)
        assert found.ready.done()
        await found.end("over")
        nothing = await backend.recover(site.request(session_id=4), None)
        assert "no longer knows" in (await nothing.ended).reason
        await backend.close()

    asyncio.run(test())
    assert livy.sessions == {}


def test_a_statement_whose_answer_was_lost_runs_once(site, livy):
    async def test():
        async with running(site) as found:
            await run(found)
            livy.loses_answers = 1
            seen = []
            assert (await run(found, "1+1", 1, seen=seen)).status == "ok"
            assert seen == PRINTED
            assert len(livy.session().statements) == 2

    asyncio.run(test())


def test_a_session_whose_answer_was_lost_is_the_one_that_is_used(site, livy):
    livy.loses_answers = 1

    async def test():
        async with running(site) as found:
            assert (await run(found)).status == "ok"
            assert list(livy.sessions) == [0]

    asyncio.run(test())


def test_a_statement_goes_to_a_later_service_whatever_point_it_had_reached(site, livy):
    async def test():
        first = site.backend()
        before = await first.start(site.request())
        await before.ready
        await run(before, "1+1", 0)
        half = asyncio.create_task(run(before, "hold", 1))
        await until_async(lambda: len(livy.session().statements) == 2)
        await asyncio.sleep(0.05)
        before.detach()
        half.cancel()
        await first.close()
        # Handed over, and the answer was never written down.
        kept = site.home.session_records / "0" / "1.jsonl"
        kept.write_text(kept.read_text().splitlines()[0] + "\n")
        livy.session().statements[1].output = text("2")
        later = site.backend()
        found = await later.recover(site.request(), before.state)
        for number, code in enumerate(["1+1", "hold", "1+1"]):
            seen = []
            assert (await run(found, code, number, call="resume", seen=seen)).status == "ok"
            assert seen == PRINTED
        assert [statement.code for statement in livy.session().statements] == ["1+1", "hold", "1+1"]
        await found.end("over")
        assert found.written(2) == PRINTED, "Livy has forgotten it"
        await later.close()

    asyncio.run(test())


def test_an_interrupt_is_a_cancellation_and_none_of_what_follows(site, livy):
    livy.keeps_state_after_cancel = 3

    async def test():
        async with running(site) as found:
            held = asyncio.create_task(run(found, "hold"))
            await until_async(lambda: livy.session().statements)
            await found.interrupt()
            assert await held == CANCELLED
            assert livy.session().statements[0].cancels == 1
            assert (await run(found, "1+1", 1)).status == "ok"

    asyncio.run(test())


def test_what_is_cancelled_before_livy_has_it_never_runs(site, livy):
    async def test():
        async with running(site) as found:
            site.network.down = True
            waiting = asyncio.create_task(run(found))
            await asyncio.sleep(0.05)
            await found.interrupt()
            assert await waiting == CANCELLED
            site.network.down = False
            assert (await run(found, "1+1", 1)).status == "ok"
            assert len(livy.session().statements) == 1

    asyncio.run(test())


def test_output_without_bounds_fails_its_statement_and_not_the_session(site, livy, monkeypatch):
    monkeypatch.setattr(client, "_MOST_STATEMENT", 10_000)
    livy.outputs["much"] = text("x" * 20_000)

    async def test():
        async with running(site) as found:
            end = await run(found, "much")
            assert (end.error["ename"], "larger than" in end.error["evalue"]) == ("OutputError", True)
            assert (await run(found, "1+1", 1)).status == "ok"

    asyncio.run(test())


def deep(levels):
    return {"status": "ok", "data": {"application/json": json.loads("[" * levels + "]" * levels)}}


def test_what_can_not_be_passed_on_fails_its_statement_also_when_its_answer_was_lost(site, livy):
    livy.outputs["deep"] = deep(200)

    async def test():
        async with running(site) as found:
            end = await run(found, "deep")
            assert (end.error["ename"], "nested deeper" in end.error["evalue"]) == ("OutputError", True)
            livy.loses_answers = 1
            assert (await run(found, "deep", 1)).error["ename"] == "OutputError"
            assert (await run(found, "1+1", 2)).status == "ok"

    asyncio.run(test())


def test_an_answer_that_stays_broken_fails_its_statement_and_not_the_session(site, livy):
    async def test():
        async with running(site) as found:
            half = asyncio.create_task(run(found, "hold"))
            await until_async(lambda: livy.session().statements)
            broken = Response(b'{"id": 0, "output": no}', media_type="application/json")
            livy.behind = lambda _request: broken
            end = await asyncio.wait_for(half, 60)
            livy.behind = None
            assert (end.error["ename"], "can't be read" in end.error["evalue"]) == ("OutputError", True)
            assert not found.ended.done()
            assert (await run(found, "1+1", 1)).status == "ok"

    asyncio.run(test())


def test_one_that_is_recovering_runs_statements_when_it_has(site, livy):
    async def test():
        async with running(site) as found:
            livy.session().state = "recovering"
            waiting = asyncio.create_task(run(found))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            livy.session().state = "idle"
            assert (await waiting).status == "ok"

    asyncio.run(test())


def test_without_impersonation_nothing_is_started(site, livy):
    livy.impersonates = False

    async def test():
        backend = site.backend()
        with pytest.raises(StartError, match=r"one account for everybody \(livy\.impersonation\.enabled is off\)"):
            await backend.start(site.request())
        await until_async(lambda: livy.sessions == {})
        await backend.close()

    asyncio.run(test())


def test_what_livy_refuses_is_told_in_its_words(site, livy):
    async def test():
        backend = site.backend()
        livy.add(name=backend._names().name("application_1_0000"), proxy_user="weather__ada")
        with pytest.raises(StartError, match="does not start the session: Rejected, Reason: Duplicate session name"):
            await backend.start(site.request())
        await backend.close()

    asyncio.run(test())


def test_a_start_that_takes_too_long_ends_and_says_meanwhile_what_it_waits_for(site, livy):
    livy.session_looks = 10_000

    async def test():
        backend = site.backend(start_s=2)
        found = await backend.start(site.request())
        livy.session().log.append("AM resource limit exceeded")
        ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
        assert "did not start in" in ending.reason
        assert ending.asked
        assert "It waits for room on the cluster: AM resource limit exceeded" in site.told
        await until_async(lambda: livy.sessions == {})
        await backend.close()

    asyncio.run(test())


def test_what_can_not_be_ended_now_is_ended_later(site, livy):
    async def test():
        backend = site.backend()
        found = await backend.start(site.request())
        await found.ready
        site.network.down = True
        await asyncio.wait_for(found.end("enough"), 60)
        assert (await found.ended).reason == "enough"
        assert len(livy.sessions) == 1
        site.network.down = False
        await until_async(lambda: livy.sessions == {})
        await backend.close()

    asyncio.run(test())


def test_a_service_ends_what_an_earlier_one_left_and_nothing_of_others(site, livy, tmp_path):
    async def test():
        site.network.down = True
        backend = site.backend()
        names = backend._names()
        theirs = Site(tmp_path / "other", livy).backend()
        kept = [
            livy.add(name=names.name("application_1_0001"), proxy_user="weather__ada"),
            livy.add(name=theirs._names().name("application_1_0009"), proxy_user="weather__ada"),
            livy.add(name="hopslab", proxy_user="somebody"),
            livy.add(name=None, proxy_user=None),
        ]
        livy.add(name=names.name("application_1_0002"), proxy_user="weather__ada")
        livy.add(name=names.name("application_1_0003"), proxy_user="weather__ada", kind="batches")
        await backend.prepare(known={1})
        await asyncio.sleep(0.05)
        site.network.down = False
        await until_async(lambda: len(livy.sessions) == 4 and not livy.batches)
        assert list(livy.sessions.values()) == kept
        await backend.close()
        await theirs.close()

    asyncio.run(test())


def batch_of(site):
    folder = site.home.project("weather") / "Resources"
    folder.mkdir(parents=True)
    (folder / "job.py").touch()
    return BatchFile(file=(folder / "job.py").resolve(), arguments=("7",))


@pytest.mark.parametrize(
    ("state", "code", "words"), [("success", 0, ""), ("dead", None, "Its log says: exit code 3 failed")]
)
def test_a_batch_ends_with_what_livy_says_of_it(tmp_path, livy, state, code, words):
    site = Site(tmp_path, livy, files="hdfs://nn/Projects")

    async def test():
        backend = site.backend()
        found = await backend.start(site.request(batch=batch_of(site)))
        await asyncio.wait_for(asyncio.shield(found.ready), 60)
        assert livy.batches[0].body["file"] == "hdfs://nn/Projects/weather/Resources/job.py"
        livy.batches[0].log.append("exit code 3 failed")
        livy.batches[0].state = state
        ending = await asyncio.wait_for(asyncio.shield(found.ended), 60)
        assert (ending.code, words in ending.reason) == (code, True)
        assert "exit code 3 failed" in found.log()
        await until_async(lambda: livy.batches == {})
        await backend.close()

    asyncio.run(test())


def test_a_batch_whose_files_the_cluster_does_not_see_is_refused(site):
    async def test():
        backend = site.backend()
        with pytest.raises(StartError, match="HOPS_LIVY_UPSTREAM_FILES"):
            await backend.start(site.request(batch=batch_of(site)))
        await backend.close()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("kind", "header"),
    [("basic", "Basic " + base64.b64encode(b"hopslab:s3cret").decode()), ("bearer", "Bearer s3cret")],
)
def test_the_platform_shows_who_it_is_and_takes_a_new_secret_when_there_is_one(tmp_path, livy, caplog, kind, header):
    secret: Path = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("s3cret\n")
    site = Site(tmp_path, livy)
    site.settings = replace(site.settings, authentication=Authentication(kind), user="hopslab", secret_file=secret)

    async def test():
        async with running(site) as found:
            assert {headers["authorization"] for _, _, headers, _ in livy.requests} == {header}
            await asyncio.to_thread(secret.write_text, "another secret")
            await run(found)
            assert livy.requests[-1][2]["authorization"] != header
            await asyncio.to_thread(secret.chmod, 0o644)
            await until_async(lambda: any("others may read its file" in told for told in site.told))
            await asyncio.to_thread(secret.chmod, 0o600)
            assert (await run(found, "1+1", 1)).status == "ok"

    asyncio.run(test())
    assert "s3cret" not in caplog.text + "".join(site.told)


def test_words_for_scala_come_from_livy_and_none_come_from_one_that_is_away(site, livy):
    livy.completions["spark", "spark.ra"] = ["range"]

    async def test():
        async with running(site) as found:
            assert (await found.complete("spark.ra", 8, kind="spark")).matches == ["range"]
            site.network.down = True
            assert (await found.complete("spark.ra", 8, kind="spark")).matches == []
            site.network.down = False

    asyncio.run(test())


def test_livys_own_idle_time_ends_no_session(site, livy, monkeypatch):
    monkeypatch.setattr(watch, "_KEEP_S", 0.0)

    async def test():
        async with running(site):
            await until_async(lambda: any(path.endswith("/connect") for _, path, _, _ in livy.requests))

    asyncio.run(test())
