"""What is sent to Spark for each kind of master, and what a cluster's answers mean in words."""

import asyncio
import dataclasses
import stat
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hops_contract.options import Allocation, ServerOptions
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.app import make_backend
from hops_livy.conf import checked_conf, shape_of
from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.errors import BadRequestError
from hops_livy.gpus import GpuLedger
from hops_livy.masters import clusters, standalone, yarn
from hops_livy.masters.clusters import StandaloneCluster, UnseenCluster, YarnCluster
from hops_livy.masters.kubernetes import KubernetesMaster
from hops_livy.masters.master import ClusterError, Paths
from hops_livy.masters.settings import read_master
from hops_livy.masters.standalone import StandaloneMaster
from hops_livy.masters.view import Application, ClusterView, Node
from hops_livy.masters.yarn import YarnMaster
from hops_livy.memory import whole_memory_mib
from hops_livy.settings import read_settings
from hops_livy.variables import SettingsError
from hops_livy.wire import session_request

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
PATHS = Paths(
    project_folder=Path("/home/projects/weather"), environment=Path("/home/environments/projects/weather"),
    spark=Path("/base/pyspark"),
)  # fmt: skip
YARN = YarnMaster(conf_dir=Path("/etc/hadoop"), driver_host="10.0.0.1", queue="lab", gpu_script="/opt/gpus.sh")
POD = {
    "url": "k8s://https://api:6443", "driver_host": "10.0.0.1", "namespace": "lab", "image": "spark:4.3",
    "service_account": "executors", "home": Path("/home"),
}  # fmt: skip
KUBERNETES = KubernetesMaster(**POD, gpu_script="/opt/gpus.sh")
SAME_FOR_ALL = {
    "spark.executor.cores": "1", "spark.executor.memory": "1024m", "spark.scheduler.minRegisteredResourcesRatio": "0",
    "spark.executorEnv.HOPS_PROJECT": "weather", "spark.executorEnv.HOPS_USER": "ada",
    "spark.executorEnv.HOPS_PROJECT_USER": "weather__ada", "spark.executorEnv.HOPS_APP_ID": "application_1_0007",
    "spark.executorEnv.HADOOP_USER_NAME": "weather__ada",
    "spark.dynamicAllocation.enabled": "false", "spark.executor.instances": "2",
}  # fmt: skip


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text("of all\n")
    return file


def _request(**shape):
    return DriverRequest(
        session_id=7, application="application_1_0007", kept_outputs=Path("/kept"), owner=ADA, token="secret-token",
        name="ada's", shape=Shape(**{"executors": 2, **shape}),
    )  # fmt: skip


TASK_GPUS = {"spark.python.daemon.module": "hops.task_gpus"}
"""Where executors have the project's environment: their Python lets CUDA see the task's GPUs."""


def test_executors_with_a_python_of_their_own_start_it_as_spark_does():
    own = dataclasses.replace(YARN, python=Path("/opt/env/bin/python"))
    properties = own.properties(_request(gpus_per_executor=1), PATHS)
    assert properties.keys() & TASK_GPUS.keys() == set()


def test_a_standalone_master_gets_as_many_cores_as_the_executors_have_and_its_secret(secret):
    master = StandaloneMaster(url="spark://m:7077", driver_host="10.0.0.1", secret_file=secret)
    properties = master.properties(_request(gpus_per_executor=4, executor_cores=3), PATHS)
    assert properties == SAME_FOR_ALL | {
        "spark.executor.cores": "3", "spark.master": "spark://m:7077", "spark.cores.max": "6",
        "spark.authenticate.secret": "of all", "spark.executor.resource.gpu.amount": "4",
        "spark.task.resource.gpu.amount": "4", **TASK_GPUS, "spark.task.cpus": "3",
    }  # fmt: skip
    secret.unlink()
    with pytest.raises(StartError, match="HOPS_SPARK_SECRET_FILE"):
        master.properties(_request(), PATHS)


def test_yarn_gets_queue_tag_and_its_own_request_for_gpus_and_label():
    properties = YARN.properties(_request(gpus_per_executor=10, gpu_label="infiniband"), PATHS)
    assert properties == SAME_FOR_ALL | {
        "spark.master": "yarn", "spark.yarn.queue": "lab", "spark.yarn.tags": "application_1_0007",
        "spark.yarn.jars": "local:/base/pyspark/jars/*", "spark.yarn.maxAppAttempts": "1",
        "spark.hadoop.yarn.web-proxy.address": "127.0.0.1:9",
        "spark.executor.resource.gpu.amount": "10", "spark.task.resource.gpu.amount": "10", "spark.task.cpus": "1",
        **TASK_GPUS,
        "spark.executor.resource.gpu.discoveryScript": "/opt/gpus.sh",
        "spark.yarn.executor.nodeLabelExpression": "infiniband",
    }  # fmt: skip
    assert (YARN.class_path(), YARN.java_environment(PATHS)) == (
        (Path("/etc/hadoop"),),
        {"HADOOP_CONF_DIR": "/etc/hadoop"},
    )


def test_kubernetes_gets_limits_a_node_selector_and_the_folders_of_one_project():
    master = KubernetesMaster(**POD, gpu_script="/opt/gpus.sh", files_claim="files", files_path="lab")
    volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim"
    assert master.properties(_request(gpus_per_executor=1, gpu_label="A100"), PATHS) == SAME_FOR_ALL | {
        "spark.master": "k8s://https://api:6443", "spark.kubernetes.namespace": "lab",
        "spark.kubernetes.container.image": "spark:4.3", "spark.kubernetes.executor.limit.cores": "1",
        "spark.kubernetes.authenticate.executor.serviceAccountName": "executors",
        "spark.kubernetes.executor.label.hopslab-application": "application_1_0007",
        "spark.executor.resource.gpu.amount": "1", "spark.task.resource.gpu.amount": "1", "spark.task.cpus": "1",
        **TASK_GPUS,
        "spark.executor.resource.gpu.vendor": "nvidia.com",
        "spark.executor.resource.gpu.discoveryScript": "/opt/gpus.sh",
        "spark.kubernetes.executor.node.selector.nvidia.com/gpu.product": "A100",
        f"{volume}.project.options.claimName": "files", f"{volume}.project.mount.path": "/home/projects/weather",
        f"{volume}.project.mount.subPath": "lab/projects/weather", f"{volume}.project.mount.readOnly": "false",
        f"{volume}.environment.options.claimName": "files",
        f"{volume}.environment.mount.path": "/home/environments/projects/weather",
        f"{volume}.environment.mount.subPath": "lab/environments/projects/weather",
        f"{volume}.environment.mount.readOnly": "true",
    }  # fmt: skip


def test_executors_that_come_and_go_are_bounded_on_every_master():
    properties = YARN.properties(_request(min_executors=0, max_executors=5), PATHS)
    assert {key: value for key, value in properties.items() if "llocation" in key or "instances" in key} == {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "0",
        "spark.dynamicAllocation.initialExecutors": "0",
        "spark.dynamicAllocation.maxExecutors": "5",
    }


WISHES = {
    "4 on any host": (ServerOptions(executors=4, gpus_per_executor=1), ("4", "1", None)),
    "10 on one host": (ServerOptions(executors=1, gpus_per_executor=10), ("1", "10", None)),
    "20 on 2 hosts with label infiniband": (
        ServerOptions(executors=2, gpus_per_executor=10, gpu_label="infiniband"),
        ("2", "10", "infiniband"),
    ),
}


@pytest.mark.parametrize(
    ("master", "label_setting"),
    [
        (YARN, "spark.yarn.executor.nodeLabelExpression"),
        (KUBERNETES, "spark.kubernetes.executor.node.selector.nvidia.com/gpu.product"),
    ],
)
@pytest.mark.parametrize("wish", WISHES)
def test_each_wish_for_gpus_has_a_form_in_the_options_and_becomes_the_engines_own(wish, master, label_setting):
    options, sent = WISHES[wish]
    asked = session_request(options)
    conf = {key: str(value).lower() for key, value in asked.conf.items()}
    shape = shape_of(asked, conf)
    request = DriverRequest(
        session_id=7, application="application_1_0007", kept_outputs=Path("/kept"), owner=ADA, token="t", name="n",
        shape=shape, conf=checked_conf(conf),
    )  # fmt: skip
    properties = master.properties(request, PATHS)
    assert sent == (
        properties["spark.executor.instances"],
        properties["spark.executor.resource.gpu.amount"],
        properties.get(label_setting),
    )


def test_at_least_none_of_the_executors_is_a_form_too():
    asked = session_request(ServerOptions(allocation=Allocation.DYNAMIC, min_executors=0, gpus_per_executor=1))
    assert shape_of(asked, {key: str(value).lower() for key, value in asked.conf.items()}).total_gpus == 2


@pytest.mark.parametrize("key", ["spark.master", "spark.yarn.queue", "spark.kubernetes.namespace", "spark.yarn.tags"])
def test_nobody_chooses_a_master_or_its_settings(key):
    with pytest.raises(BadRequestError, match=key):
        checked_conf({key: "x"})


def test_gpus_without_a_way_to_find_them_are_refused_before_the_start():
    for master in (YarnMaster(conf_dir=Path("/c"), driver_host="h"), KubernetesMaster(**POD)):
        master.refuse(Shape())
        with pytest.raises(StartError, match="HOPS_GPU_SCRIPT"):
            master.refuse(Shape(gpus_per_executor=1))


def test_labels_of_a_standalone_cluster_are_those_that_the_site_says_all_its_gpus_have(secret):
    master = StandaloneMaster(url="spark://m:1", driver_host="h", secret_file=secret, gpu_labels=("a100",))
    master.refuse(Shape(gpus_per_executor=1, gpu_label="a100"))
    with pytest.raises(StartError, match="label 'infiniband'; there are a100"):
        master.refuse(Shape(gpus_per_executor=1, gpu_label="infiniband"))


def _node(gpus, free, *labels, cores=8, memory_mib=4096):
    return Node(
        cores=cores, memory_mib=memory_mib, gpus=gpus, free_cores=cores, free_memory_mib=memory_mib, free_gpus=free,
        labels=labels,
    )  # fmt: skip


OWN = Application(names=("app-1", "application_1_0007"), owner="weather__ada", executors=1)
VIEW = ClusterView(
    nodes=(_node(4, 0), _node(4, 2, "infiniband"), _node(4, 4, "infiniband")),
    applications=(
        Application(names=("app-0",), owner="weather__bob"),
        OWN,
        Application(names=("app-2",), owner="sales__eve"),
        Application(names=("app-3",), owner="sales__eve", waiting=True),
    ),
)


def test_no_executor_is_split_over_hosts_and_none_runs_where_the_label_is_another():
    assert VIEW.why_never(Shape(executors=2, gpus_per_executor=4, gpu_label="infiniband")) is None
    assert VIEW.why_never(Shape(executors=2, gpus_per_executor=4)) == (
        "2 executors of 4 GPUs, 1 core and 1 GiB were asked for; the cluster has room for 1 of them even when "
        "nothing else runs: it has 1 host without a label (1 of 4 GPUs, 8 cores and 4 GiB)."
    )
    assert "room for 0" in VIEW.why_never(Shape(executors=1, gpus_per_executor=5, gpu_label="infiniband"))
    assert "it has 0 hosts with label fast." in VIEW.why_never(Shape(gpus_per_executor=1, gpu_label="fast"))
    assert VIEW.why_never(Shape(min_executors=0, max_executors=99, gpus_per_executor=4)) is None


def test_what_is_waited_for_tells_what_is_free_and_names_nobody_of_other_projects():
    shape = Shape(executors=2, gpus_per_executor=2, gpu_label="infiniband")
    assert VIEW.why_waiting(shape, VIEW.find("application_1_0007", owner="weather__ada"), "weather__ada") == (
        "Waits for executors: 1 of 2 of 2 GPUs, 1 core and 1 GiB; the cluster has 6 GPUs, 16 cores and 8 GiB "
        "with label infiniband free. Others that work there: 1 of others, 1 of weather__bob; that wait too: "
        "1 of others."
    )
    alone = replace(VIEW, applications=tuple(each for each in VIEW.applications if not each.waiting))
    assert alone.why_waiting(shape, OWN, "weather__ada").endswith("there: 1 of others, 1 of weather__bob.")
    assert VIEW.why_waiting(Shape(executors=1), OWN, "weather__ada") == ""
    not_begun = Application(names=("app-9",), owner="weather__ada", executors=0, waiting=True, started=False)
    assert "0 of 0" in VIEW.why_waiting(Shape(min_executors=0, max_executors=3), not_begun, "weather__ada")


MASTER_PAGE = {
    "workers": [
        {
            "state": "ALIVE", "cores": 2, "coresfree": 1, "memory": 2048, "memoryfree": 1536,
            "resources": {"gpu": {"name": "gpu", "addresses": ["0", "1"]}},
            "resourcesfree": {"gpu": {"name": "gpu", "addresses": ["1"]}},
        },
        {"state": "DEAD", "cores": 2, "coresfree": 2, "memory": 2048, "memoryfree": 2048},
    ],
    "activeapps": [{"id": "app-1-0000", "user": "weather__ada", "cores": 4, "state": "RUNNING"}],
}  # fmt: skip


def test_a_standalone_master_tells_of_its_living_workers_and_of_cores_given():
    view = standalone.read_view(MASTER_PAGE)
    assert view.nodes == (Node(cores=2, memory_mib=2048, gpus=2, free_cores=1, free_memory_mib=1536, free_gpus=1),)
    assert view.find(None, "app-1-0000", owner="weather__ada").executors_of(Shape(executor_cores=2)) == 2


def _resources(gpus):
    return {"resourceInformations": {"resourceInformation": [{"name": "yarn.io/gpu", "value": gpus}]}}


NODES = {
    "nodes": {
        "node": [
            {
                "state": "RUNNING", "usedMemoryMB": 1024, "availMemoryMB": 3072, "usedVirtualCores": 1,
                "availableVirtualCores": 7, "usedResource": _resources(1), "availableResource": _resources(3),
                "nodeLabels": ["infiniband"],
            },
            {"state": "LOST"},
        ]
    }
}  # fmt: skip
APPLICATIONS = {
    "apps": {
        "app": [
            {"id": "application_9", "user": "weather__ada", "state": "RUNNING", "runningContainers": 3,
             "applicationTags": "application_1_0007"},
            {"id": "application_8", "user": "sales__eve", "state": "ACCEPTED"},
            {"id": "application_7", "user": "weather__ada", "state": "FINISHED"},
        ]
    }
}  # fmt: skip


def test_yarn_tells_of_hosts_labels_and_containers_less_the_one_of_its_own():
    view = yarn.read_view(NODES, APPLICATIONS)
    assert view.nodes == (
        Node(
            cores=8, memory_mib=4096, gpus=4, free_cores=7, free_memory_mib=3072, free_gpus=3, labels=("infiniband",)
        ),
    )  # fmt: skip
    assert [(each.executors, each.waiting) for each in view.applications] == [(2, False), (0, True)]
    assert view.find("application_1_0007", owner="weather__ada").names[0] == "application_9"
    assert view.find("application_8", owner="weather__ada") is None, "it is somebody else's"
    assert yarn.read_view({"nodes": None}, {"apps": None}).nodes == ()


def _answers(cluster_of, answer):
    """What comes of a call, and the requests that it made."""
    seen = []

    def handle(request):
        seen.append(request)
        return answer(request)

    async def call(use):
        async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
            return await use(cluster_of(client))

    return lambda use: (asyncio.run(call(use)), seen)


def test_many_that_wait_at_one_moment_ask_as_one():
    ask = _answers(
        lambda client: StandaloneCluster("http://m:8080/", client), lambda _: httpx.Response(200, json=MASTER_PAGE)
    )

    async def twice(cluster):
        return [await cluster.look("weather__ada"), await cluster.look("sales__eve")]

    views, seen = ask(twice)
    assert (views[0] is views[1], [str(each.url) for each in seen]) == (True, ["http://m:8080/json/"])


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(200, text="<html>"),
        lambda _: httpx.Response(200, json=["x"]),
        lambda _: httpx.Response(200, json={"workers": [{"state": "ALIVE"}]}),
        lambda _: httpx.Response(200, content=b" " * (9 * 1024 * 1024)),
    ],
)
def test_a_master_that_answers_nonsense_is_told_without_its_address(answer):
    ask = _answers(lambda client: StandaloneCluster("http://inner-name:8080", client), answer)
    with pytest.raises(ClusterError, match="does not answer as it should") as told:
        ask(lambda cluster: cluster.look("weather__ada"))
    assert "inner-name" not in str(told.value)


@pytest.mark.parametrize(("state", "asked"), [("ACCEPTED", 1), ("RUNNING", 5)])
def test_what_a_driver_left_on_yarn_is_ended_in_its_owners_name_if_it_does_not_end_by_itself(monkeypatch, state, asked):
    monkeypatch.setattr(clusters, "_PAUSES_S", (0,) * 4)
    own, *others = APPLICATIONS["apps"]["app"]
    told = {"apps": {"app": [{**own, "state": state}, *others]}}
    ask = _answers(
        lambda client: YarnCluster("http://rm:8088/", client),
        lambda request: httpx.Response(200, json=told if request.method == "GET" else {}),
    )
    _none, seen = ask(lambda cluster: cluster.release("application_1_0007", "weather__ada"))
    assert [(each.method, each.url.path) for each in seen] == [
        *[("GET", "/ws/v1/cluster/apps")] * asked,
        ("PUT", "/ws/v1/cluster/apps/application_9/state"),
    ]
    assert seen[0].url.params["applicationTags"] == "application_1_0007"
    assert {each.url.params["user.name"] for each in seen} == {"weather__ada"}


@pytest.fixture
def site(tmp_path, secret):
    conf = tmp_path / "hadoop"
    conf.mkdir()
    (conf / "yarn-site.xml").touch()
    return {
        "HOPS_DRIVER_HOST": "10.0.0.1", "HOPS_SPARK_SECRET_FILE": str(secret), "HOPS_HADOOP_CONF_DIR": str(conf),
        "HOPS_SPARK_MASTER_URL": "http://m:8080", "HOPS_YARN_URL": "http://rm:8088", "HOPS_K8S_IMAGE": "spark:4.3",
    }  # fmt: skip


def _read(site, master, **more):
    return read_master({**site, "HOPS_SPARK_MASTER": master, **more}, home=Path("/home"), gpu_labels=())


def test_the_site_chooses_the_master(site):
    assert read_master({}, home=Path("/home"), gpu_labels=()) is None
    assert _read(site, "local") is None
    kinds = [_read(site, url).kind for url in ("spark://a:7077,b:7077", "yarn", "k8s://https://api:6443")]
    assert kinds == ["standalone", "yarn", "kubernetes"]
    client = httpx.AsyncClient()
    assert isinstance(_read(site, "yarn").cluster(client), YarnCluster)
    assert isinstance(_read(site, "k8s://https://api").cluster(client), UnseenCluster)
    assert _read(site, "yarn", HOPS_YARN_QUEUE="lab").master.queue == "lab"


@pytest.mark.parametrize(
    ("master", "more", "sentence"),
    [
        ("mesos://m", {}, "it must be local, spark://host:port, yarn or k8s://"),
        ("spark://m", {}, "it must be local"),
        ("yarn", {"HOPS_DRIVER_HOST": ""}, "needs HOPS_DRIVER_HOST: executors must reach"),
        ("yarn", {"HOPS_HADOOP_CONF_DIR": "/nowhere"}, "holds no yarn-site.xml"),
        ("yarn", {"HOPS_YARN_URL": "rm:8088"}, "HOPS_YARN_URL is 'rm:8088'; it must hold http"),
        ("yarn", {"HOPS_NODES_SPARK": "spark"}, "HOPS_NODES_SPARK is 'spark'; it must be an absolute path"),
        ("spark://m:7077", {"HOPS_SPARK_SECRET_FILE": "/nowhere"}, "HOPS_SPARK_SECRET_FILE: the file with"),
        ("k8s://http://api", {}, "must hold https://"),
        ("k8s://https://api", {"HOPS_K8S_IMAGE": ""}, "needs HOPS_K8S_IMAGE"),
        ("k8s://https://api", {"HOPS_K8S_NAMESPACE": "A b"}, "no name of Kubernetes"),
    ],
)
def test_what_can_not_work_is_refused_when_the_service_starts(site, master, more, sentence):
    with pytest.raises(SettingsError) as refused:
        _read(site, master, **more)
    assert sentence in str(refused.value)


def test_a_secret_that_others_can_read_is_refused(site, secret):
    secret.chmod(stat.S_IRUSR | stat.S_IROTH)
    with pytest.raises(SettingsError, match="others can read secret"):
        _read(site, "spark://m:7077")


def test_memory_of_the_cluster_is_none_of_this_machines(site, tmp_path):
    more = {**site, "HOPS_HOME": str(tmp_path), "HOPS_MEMORY_MIB": str(10**9), "HOPS_GPUS": "64"}
    for master, whole_mib in (("local", 10**9), ("yarn", whole_memory_mib())):
        settings = read_settings({**more, "HOPS_SPARK_MASTER": master})
        backend = make_backend(settings, GpuLedger(0), httpx.AsyncClient())
        assert backend.room().whole.memory_mib == whole_mib


def test_a_driver_is_shown_the_files_that_its_master_needs_and_no_others(tmp_path):
    assert (YARN.reads(), YARN.writes()) == ((Path("/etc/hadoop"),), ())
    local = YarnMaster(conf_dir=Path("/c"), driver_host="h", staging=(tmp_path / "staging").as_uri())
    assert local.writes() == (tmp_path / "staging",)
    assert YarnMaster(conf_dir=Path("/c"), driver_host="h", staging="hdfs:///tmp").writes() == ()
    secret = tmp_path / "secret"
    master = StandaloneMaster(url="spark://m:1", driver_host="h", secret_file=secret)
    assert (master.reads(), master.writes()) == ((), ()), "the secret is among the settings"


def test_of_a_pods_token_that_is_renewed_the_folder_is_shown(tmp_path):
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "token").write_text("x")
    (tmp_path / "token").symlink_to(tmp_path / "..data" / "token")
    own = tmp_path / "own"
    own.write_text("x")
    given = {**POD, "authority_file": own}
    assert KubernetesMaster(**given, token_file=tmp_path / "token").reads() == (tmp_path, own)
    assert KubernetesMaster(**given).reads() == (own, Path("/var/run/secrets/kubernetes.io/serviceaccount"))
