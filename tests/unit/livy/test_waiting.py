"""What a session on a cluster waits for is told; what it can never have is refused before anything starts."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hops_contract.layout import Home
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin import waiting
from hops_livy.builtin.backend import BuiltinSessions
from hops_livy.builtin.endings import why_ended
from hops_livy.builtin.told import Told
from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.gpus import GpuLedger
from hops_livy.masters.master import ClusterError
from hops_livy.masters.view import Application, ClusterView, Node
from hops_livy.masters.yarn import YarnMaster
from hops_livy.memory import MemoryLedger
from hops_livy.settings import read_settings
from hops_livy.variables import SettingsError

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
NODE = Node(cores=2, memory_mib=4096, gpus=0, free_cores=1, free_memory_mib=2048, free_gpus=0)
REQUEST = DriverRequest(
    session_id=7, application="application_1_0007", kept_outputs=Path("/kept"), owner=ADA, token="secret", name="n",
    shape=Shape(executors=2),
)  # fmt: skip


def _view(executors, *names):
    return ClusterView(
        nodes=(NODE,), applications=(Application(names=names, owner="weather__ada", executors=executors),)
    )


class ScriptedCluster:
    """Answers one after the other what it is given, and the last for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def look(self, project_user):  # noqa: ARG002 - the port's
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_what_is_waited_for_is_told_as_it_changes_and_no_more_when_all_have_come(monkeypatch):
    monkeypatch.setattr(waiting, "SOON_S", 0)
    silent = ClusterError("The cluster's master does not answer.")
    cluster = ScriptedCluster(
        _view(0, "another"), _view(0, "app-1"), _view(1, "app-1"), _view(1, "app-1"), silent, _view(2, "app-1"), None
    )
    heard = []

    async def ask():
        watched = waiting.Waiting(cluster, replace(REQUEST, tell=lambda text, **_: heard.append(text)))
        watched.spark_application = "app-1"
        await watched.follow(lambda: False)

    asyncio.run(ask())
    assert [text.partition(" of 2 of")[0] for text in heard] == [
        "Waits for executors: 0", "Waits for executors: 1", "The cluster's master does not answer.", "",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["app-9", REQUEST.application])
def test_of_an_application_of_somebody_else_nothing_is_told_whoever_names_it(monkeypatch, name):
    monkeypatch.setattr(waiting, "SOON_S", 0)
    theirs = Application(names=(name,), owner="weather__eve", executors=1)
    own = _view(0, "app-1")
    heard = []

    async def ask():
        watched = waiting.Waiting(
            ScriptedCluster(
                replace(own, applications=(theirs,)), replace(own, applications=(*own.applications, theirs)), None
            ),
            replace(REQUEST, tell=lambda text, **_: heard.append(text)),
        )
        watched.spark_application = name
        await watched.follow(lambda: False)
        assert heard == [], "it would tell what executors that application has"
        watched.spark_application = "app-1"
        watched._cluster = ScriptedCluster(replace(own, applications=(*own.applications, theirs)), None)
        await watched.follow(lambda: False)

    asyncio.run(ask())
    assert [text.partition(" of 2 of")[0] for text in heard] == ["Waits for executors: 0"]


def test_sparks_id_is_the_one_that_was_told_when_the_driver_first_was_ready():
    told = Told()
    assert told.take(b'{"stage": "ready", "application": "app-1"}') == "ready"
    told.take(b'{"stage": "ready", "application": "app-9"}')
    assert told.application == "app-1"
    batch = Told()
    batch.take(b'{"stage": "ready"}')
    batch.take(b'{"stage": "ready", "application": "app-9"}')
    assert batch.application is None, "a batch's driver tells none"


def _no_room(monkeypatch, *answers, given_s=60.0):
    """What was told, with whether there is no room."""
    monkeypatch.setattr(waiting, "SOON_S", 0)
    monkeypatch.setattr(waiting, "LATER_S", 0)
    monkeypatch.setattr(waiting, "GIVEN_S", given_s)
    heard = []

    def tell(text, *, no_room=False):
        heard.append((text.partition(" of 2 of")[0].removeprefix("Waits for executors: "), no_room))

    async def ask():
        watched = waiting.Waiting(ScriptedCluster(*answers, None), replace(REQUEST, tell=tell))
        watched.spark_application = "app-1"
        await watched.follow(lambda: True)

    asyncio.run(ask())
    return heard


FULL = replace(_view(0, "app-1"), nodes=(replace(NODE, free_cores=0),))
FREE = replace(_view(0, "app-1"), nodes=(replace(NODE, free_cores=2),))


def test_that_the_cluster_has_no_room_is_told_when_two_looks_say_so(monkeypatch):
    assert _no_room(monkeypatch, FULL, FULL, FULL) == [("0", False), ("0", True)]
    assert _no_room(monkeypatch, FULL, FREE, FULL, _view(2, "app-1")) == [("0", False)] * 3 + [("", False)]


def test_executors_that_are_on_their_way_are_no_lack_of_room(monkeypatch):
    assert _no_room(monkeypatch, FREE, FREE, FREE) == [("0", False)]


def test_a_cluster_that_does_not_give_what_it_has_free_has_no_room_either(monkeypatch):
    assert _no_room(monkeypatch, FREE, FREE, given_s=-1) == [("0", True)]


def test_one_that_has_had_its_executors_had_room_whatever_becomes_of_them(monkeypatch):
    lost = replace(FULL, applications=_view(1, "app-1").applications)
    assert _no_room(monkeypatch, _view(2, "app-1"), lost, lost, lost, given_s=-1) == [("1", False)]


def test_a_master_that_is_away_has_told_of_no_room(monkeypatch):
    silent = ClusterError("The cluster's master does not answer.")
    assert _no_room(monkeypatch, silent, silent, given_s=-1) == [(str(silent), False)]


def test_the_room_of_a_cluster_is_that_of_the_hosts_that_may_be_used():
    gpus = Node(cores=4, memory_mib=9000, gpus=2, free_cores=4, free_memory_mib=9000, free_gpus=2, labels=("fast",))
    view = ClusterView(nodes=(NODE, gpus), applications=())
    assert view.has_room(Shape(executors=1), None)
    assert not view.has_room(Shape(executors=2), None), "hosts with a label are for those who ask for it"
    assert view.has_room(Shape(executors=2, gpus_per_executor=1, gpu_label="fast"), None)
    assert not view.has_room(Shape(executors=3, gpus_per_executor=1, gpu_label="fast"), None)
    assert view.has_room(Shape(executors=2), Application(names=("a",), owner="weather__ada", executors=1))


def _backend(tmp_path, cluster):
    return BuiltinSessions(
        Home(tmp_path), control_plane_url="http://127.0.0.1:9/", gpus=GpuLedger(0), memory=MemoryLedger(limit_mib=1024),
        start_s=9, master=YarnMaster(conf_dir=tmp_path, driver_host="127.0.0.1", gpu_script="/g"), cluster=cluster,
    )  # fmt: skip


def test_only_the_driver_counts_on_this_machine_and_what_is_merely_taken_now_is_no_reason_to_refuse(tmp_path):
    backend = _backend(tmp_path, ScriptedCluster(_view(2, "another")))
    asyncio.run(backend.check(Shape(driver_memory_mib=1024, executors=2, executor_memory_mib=1024), owner=ADA))
    with pytest.raises(StartError, match="sessions may use 1 GiB together"):
        asyncio.run(backend.check(Shape(driver_memory_mib=1025), owner=ADA))


@pytest.mark.parametrize(
    ("answer", "shape", "sentence"),
    [
        (_view(0), {"executors": 3}, "3 executors of 1 core and 1 GiB were asked for; the cluster has room for 2"),
        (_view(0), {"gpus_per_executor": 1}, "1 executor of 1 GPU, 1 core and 1 GiB was asked for"),
        (ClusterError("The cluster's master does not answer."), {}, "does not answer"),
    ],
)
def test_what_the_cluster_can_never_give_is_refused(tmp_path, answer, shape, sentence):
    with pytest.raises(StartError, match=sentence):
        asyncio.run(_backend(tmp_path, ScriptedCluster(answer)).check(Shape(**shape), owner=ADA))


def test_a_driver_without_memory_on_a_cluster_is_told_its_own_memory():
    said = why_ended(
        shape=Shape(),
        code=1,
        java_code=3,
        failure=None,
        log=["Terminating due to java.lang.OutOfMemoryError: x"],
        was_ready=True,
        apart=True,
    )
    assert said.startswith("The driver ran out of memory: it has 1 GiB.")


def test_with_a_cluster_nothing_is_kept_ready_unless_the_site_says_so(tmp_path):
    (tmp_path / "yarn-site.xml").touch()
    site = {
        "HOPS_SPARK_MASTER": "yarn", "HOPS_DRIVER_HOST": "h", "HOPS_HADOOP_CONF_DIR": str(tmp_path),
        "HOPS_YARN_URL": "http://rm:8088",
    }  # fmt: skip
    assert (read_settings(site).warm_sessions, read_settings({**site, "HOPS_WARM_SESSIONS": "3"}).warm_sessions) == (
        0,
        3,
    )
    with pytest.raises(SettingsError, match="HOPS_SPARK_MASTER=yarn needs HOPS_YARN_URL"):
        read_settings({**site, "HOPS_YARN_URL": ""})
