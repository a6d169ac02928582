"""docs/why-did-my-session-not-start.md: what is said where a cluster or Apache Livy has the room, each in its case.

What is said of this machine is brought about by the real service: tests/integration/livy/test_why_not_started.py.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from fastapi.responses import JSONResponse, Response

from hops_contract.layout import Home
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.engines.drivers import BatchFile, DriverRequest, Shape, StartError
from hops_livy.masters.clusters import StandaloneCluster
from hops_livy.masters.master import ClusterError, Paths
from hops_livy.masters.standalone import StandaloneMaster
from hops_livy.masters.view import Application, ClusterView, Node, no_room_now
from hops_livy.masters.yarn import YarnMaster
from hops_livy.upstream import driver, watch
from hops_livy.upstream.backend import UpstreamSessions
from hops_livy.upstream.endings import waits_for, why_ended
from hops_livy.upstream_settings import Authentication, Cluster, UpstreamSettings
from tests.contract.livy.scripted_livy import ScriptedLivy, login_page, proxy_error
from tests.unit.livy.why_page import PAGE, collected

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
HERE = ["It waits", "It was refused", "It began, and ended before it was ready"]
ELSEWHERE = ["On a cluster of the site", "With the site's own Apache Livy"]
SENTENCES = re.findall(r"^\| \*(.+?)\* \|", PAGE.partition(f"## {ELSEWHERE[0]}")[2], re.MULTILINE)
VIEW = ClusterView(
    nodes=(Node(cores=2, memory_mib=4096, gpus=0, free_cores=1, free_memory_mib=1024, free_gpus=0),),
    applications=(Application(names=("app-1",), owner="weather__ada", executors=1),),
)
CASES, case = collected()


class Site:
    """A platform with a scripted Livy, or with something in its place."""

    def __init__(self, folder):
        self.home, self.livy, self.transport = Home(folder), ScriptedLivy(), None

    def request(self, batch=None):
        return DriverRequest(
            session_id=0, application="application_1_0000", owner=ADA, token="secret", name="mine", shape=Shape(),
            kept_outputs=self.home.session_records / "0", batch=batch,
        )  # fmt: skip

    def refused(self, *, batch=None, **settings):
        """Why a session, or batch, is not started."""

        async def ask():
            backend = self._backend(**settings)
            try:
                with pytest.raises(StartError) as refusal:
                    await backend.start(self.request(batch))
                return str(refusal.value)
            finally:
                await backend.close()

        return asyncio.run(ask())

    def ended(self, spoil):
        """Why a session ended after something has become of it while it started."""
        self.livy.session_looks = 10**6

        async def ask():
            backend = self._backend()
            try:
                started = await backend.start(self.request())
                spoil(self.livy)
                return (await asyncio.wait_for(started.ended, 60)).reason
            finally:
                await backend.close()

        return asyncio.run(ask())

    def _backend(self, **settings):
        transport = self.transport or httpx.ASGITransport(self.livy.app)
        known = UpstreamSettings(url="http://livy.test", **settings)
        return UpstreamSessions(self.home, known, start_s=60.0, deserted_s=600.0, transport=transport)


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr("hops_livy.upstream.rounds.list_pause", lambda _pages, *, starting: 0.02)  # noqa: ARG005
    monkeypatch.setattr(watch, "away_pause", lambda _failures: 0.02)
    monkeypatch.setattr(driver, "_ASKED_AGAIN_S", (0.01,))
    monkeypatch.setattr(driver, "_END_S", 0.2)
    return Site(tmp_path)


def test_every_sentence_of_the_page_has_a_case_and_every_case_a_sentence():
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == HERE + ELSEWHERE
    assert len(SENTENCES) == len(set(SENTENCES)) > 25
    assert set(SENTENCES) == set(CASES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_it_is_said(sentence, site):
    told = CASES[sentence](site)
    assert re.search(".+".join(re.escape(part) for part in sentence.split("…")), told), told


class Raising(httpx.AsyncBaseTransport):
    """A network on which every request fails."""

    def __init__(self, error):
        self._error = error

    async def handle_async_request(self, request):  # noqa: ARG002 - the transport's
        raise self._error


def raised(function, *args):
    with pytest.raises(StartError) as refusal:
        function(*args)
    return str(refusal.value)


@case("Waits for executors: … of … of …; the cluster has … free. Others that work there: …")
def _(_site):
    return VIEW.why_waiting(Shape(executors=2), VIEW.applications[0], "weather__ada")


@case("There is no room on the cluster now, and this session was not to wait. …")
def _(_site):
    # That such a session ends with it: test_waiting_room.py.
    return no_room_now(VIEW.why_waiting(Shape(executors=2), VIEW.applications[0], "weather__ada"))


@case("… asked for; the cluster has room for … even when nothing else runs: …")
def _(_site):
    return VIEW.why_never(Shape(executors=3))


@case("No GPU of the cluster has the label …; there are …")
def _(_site):
    master = StandaloneMaster(url="spark://m:7077", driver_host="h", secret_file=Path("/s"), gpu_labels=("fast",))
    return raised(master.refuse, Shape(gpus_per_executor=1, gpu_label="infiniband"))


@case("GPUs can't be had here: how executors find theirs is not set. …")
def _(_site):
    return raised(YarnMaster(conf_dir=Path("/c"), driver_host="h").refuse, Shape(gpus_per_executor=1))


@case("The secret of the Spark cluster can't be read. …")
def _(site):
    master = StandaloneMaster(url="spark://m:7077", driver_host="h", secret_file=site.home.root / "none")
    paths = Paths(project_folder=Path("/p"), environment=Path("/e"), spark=Path("/s"))
    return raised(master.properties, site.request(), paths)


@case("The cluster's master does not answer as it should; …")
def _(_site):
    async def look():
        async with httpx.AsyncClient(transport=Raising(httpx.ConnectError("refused"))) as client:
            with pytest.raises(ClusterError) as refusal:
                await StandaloneCluster("http://master.test", client).look("weather__ada")
        return str(refusal.value)

    return asyncio.run(look())


@case("It waits for room on the cluster: …")
def _(_site):
    return waits_for(["Application application_1 (state: ACCEPTED)"])


@case("Apache Livy does not start the session: …")
def _(site):
    refusal = {"msg": "Rejected, too many sessions are being created!"}
    site.livy.behind = lambda _request: JSONResponse(refusal, 400)
    return site.refused()


@case("Apache Livy does not start the session: it starts sessions as one account for everybody …")
def _(site):
    site.livy.impersonates = False
    return site.refused()


NOW = "The session can't be started now. "


@case(f"{NOW}Apache Livy can't be reached (…). …")
def _(site):
    site.transport = Raising(httpx.ConnectError("refused"))
    return site.refused()


@case(f"{NOW}Apache Livy did not answer in … seconds.")
def _(site):
    site.transport = Raising(httpx.ReadTimeout("slow"))
    return site.refused()


@case(f"{NOW}The connection to Apache Livy broke (…).")
def _(site):
    site.transport = Raising(httpx.RemoteProtocolError("broken"))
    return site.refused()


@case(f"{NOW}Apache Livy does not accept the platform's name and password or token. …")
def _(site):
    site.livy.behind = lambda _request: JSONResponse({"msg": "Unauthorized"}, 401)
    return site.refused()


@case(f"{NOW}The platform's password or token for Apache Livy can't be used (…). …")
def _(site):
    return site.refused(authentication=Authentication.BEARER, secret_file=site.home.root / "none")


@case(f"{NOW}The address of Apache Livy leads to a page …")
def _(site):
    site.livy.behind = login_page
    return site.refused()


@case(f"{NOW}Apache Livy does not answer; something before it does (…). …")
def _(site):
    site.livy.behind = proxy_error
    return site.refused()


@case(f"{NOW}What answers at the address of Apache Livy tells of no session. …")
def _(site):
    site.livy.behind = lambda _request: JSONResponse({"hello": "world"})
    return site.refused()


@case(f"{NOW}Apache Livy's answer can't be read.")
def _(site):
    site.livy.behind = lambda _request: Response("{", media_type="application/json")
    return site.refused()


@case("GPUs with the label … can't be asked for: …")
def _(site):
    backend = site._backend(cluster=Cluster.STANDALONE)
    return raised(asyncio.run, backend.check(Shape(gpus_per_executor=1, gpu_label="fast"), owner=ADA))


@case("Batches need files of the project, and the site's Apache Livy has not been told where to find them. …")
def _(site):
    return site.refused(batch=BatchFile(file=site.home.projects / "weather" / "Resources" / "job.py"))


def log_says(*lines, state="dead"):
    """Why a session ended whose log Livy tells, as it does when it is in ``state``."""

    def spoil(livy):
        livy.session().state, livy.session().log = state, ["stdout: ", *lines]

    return lambda site: site.ended(spoil)


for _sentence, _case in {
    "The cluster ended the driver because it used more memory than its container has. …": log_says(
        "Container is running beyond physical memory limits."
    ),
    "The driver ran out of memory: it has …. …": log_says("java.lang.OutOfMemoryError: Java heap space"),
    "The cluster does not let Apache Livy act as …": log_says("User: livy is not allowed to impersonate weather__ada"),
    "… may not read or write on the cluster's file system: …": log_says("Permission denied: user=weather__ada"),
    "The cluster has no such queue: …": log_says("submitted by user to unknown queue: lab"),
    "The cluster did not take the application in time: …": log_says("No YARN application is found with tag livy-0"),
    "The driver was killed on the cluster: …": log_says("exit code: 137"),
    "The session was ended through Apache Livy, or by its own code …": log_says(state="shutting_down"),
    "The driver ended. Its log says: …": log_says("java.lang.IllegalArgumentException: spark.x is none"),
    "The driver ended; its log tells no cause.": log_says(),
    "Apache Livy no longer knows this session: …": lambda site: site.ended(lambda livy: livy.restart()),
}.items():
    case(_sentence)(_case)


@case("Apache Livy was restarted and gave this session's place to another one.")
def _(site):
    def spoil(livy):
        livy.session().body = {**livy.session().body, "proxyUser": "weather__eve"}

    return site.ended(spoil)


def test_a_log_of_many_causes_tells_the_most_helpful_one():
    log = ["exit code: 137", "java.lang.OutOfMemoryError: Java heap space"]
    assert "ran out of memory" in why_ended("dead", log, shape=Shape(), owner="weather__ada")
