import dataclasses
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from hops_contract.keeper.orders import Orders
from hops_contract.keeping import Address
from hops_contract.layout import Home
from hops_contract.network import Network
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.folder import SessionFolder
from hops_livy.builtin.launch import (
    Place,
    java_command,
    java_environment,
    java_options,
    page_key,
    properties_text,
    session_environment,
    spark_properties,
)
from hops_livy.builtin.sandboxes import Sandboxes
from hops_livy.builtin.view import session_view
from hops_livy.conf import COUNTED, checked_conf
from hops_livy.engines.drivers import BatchFile, DriverRequest, Shape
from hops_livy.errors import BadRequestError
from hops_livy.java import Java
from hops_livy.masters.yarn import YarnMaster

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
PLACE = Place(
    folder=SessionFolder(Path("/home/run/sessions/7")), project_folder=Path("/home/projects/weather"),
    own_home=Path("/home/homes/weather__ada"),
    python=Path("/home/environments/projects/weather/bin/python"), spark=Path("/base/pyspark"),
    service_alive=Path("/home/run/session-service/alive"), deserted_s=600.0,
    java=Java(home=Path("/java"), version="17", modules=frozenset()), java_home=Path("/java"),
    archive=Path("/archives/a.jsa"), scala_version="2.13", secret="a secret",
)  # fmt: skip


def _request(conf=None, **shape):
    return DriverRequest(
        session_id=7,
        application="application_1_0007",
        kept_outputs=Path("/kept"),
        owner=ADA,
        token="secret-token",
        name="ada's",
        shape=Shape(**shape),
        conf=conf or {},
    )


def test_one_executor_without_gpus_runs_inside_the_driver_with_the_memory_of_both():
    request = _request(driver_memory_mib=600, executor_memory_mib=1000, executor_cores=3)
    assert spark_properties(request, PLACE, None) == {
        "spark.master": "local[3]",
        "spark.app.name": "ada's",
        "spark.submit.deployMode": "client",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1600m",
        "spark.local.dir": "/home/run/sessions/7/tmp",
        "spark.ui.showConsoleProgress": "false",
        "spark.repl.class.uri": "file:///home/run/sessions/7/tmp/scala",
        "spark.authenticate": "true",
        "spark.authenticate.secret": "a secret",
        "spark.network.crypto.enabled": "true",
        "spark.ui.enabled": "true",
        "spark.ui.port": "0",
        "spark.ui.killEnabled": "false",
        "spark.ui.filters": "org.apache.spark.ui.JWSFilter",
        "spark.org.apache.spark.ui.JWSFilter.param.secretKey": page_key("a secret"),
        "spark.sql.warehouse.dir": "/home/projects/weather/Resources/spark-warehouse",
        "spark.sql.repl.eagerEval.enabled": "true",
    }
    assert "-Xmx1600m" in java_command(PLACE, request.shape)


def test_of_a_batch_nobody_would_know_the_port_so_it_has_no_pages():
    properties = spark_properties(replace(_request(), batch=BatchFile(file=Path("/job.py"))), PLACE, None)
    assert properties["spark.ui.enabled"] == "false"
    assert "spark.ui.filters" in properties, "those of a cluster's master and workers are closed all the same"


def test_a_batch_has_no_pages_on_a_cluster_either():
    place = replace(PLACE, master=YarnMaster(conf_dir=Path("/etc/hadoop"), driver_host="10.0.0.1"))
    request = replace(_request(), batch=BatchFile(file=Path("/job.py")))
    assert spark_properties(request, place, None)["spark.ui.enabled"] == "false"


def test_several_executors_with_gpus_become_workers_of_their_own():
    shape = {"executors": 2, "executor_cores": 2, "executor_memory_mib": 700, "gpus_per_executor": 4}
    properties = spark_properties(_request(**shape), PLACE, Path("/gpus.sh"))
    assert properties["spark.master"] == "local-cluster[2,2,700]"
    assert properties["spark.driver.memory"] == "1024m"
    assert {key: value for key, value in properties.items() if "resource.gpu" in key} == {
        "spark.worker.resource.gpu.amount": "4",
        "spark.worker.resource.gpu.discoveryScript": "/gpus.sh",
        "spark.executor.resource.gpu.amount": "4",
        "spark.task.resource.gpu.amount": "4",
    }
    assert properties["spark.python.daemon.module"] == "hops.task_gpus", "CUDA sees those of the task"
    assert properties["spark.task.cpus"] == "2", "a task owns the cores beside its GPUs too"


def test_on_a_cluster_the_driver_has_its_own_memory_and_address_and_the_cluster_makes_the_secret():
    master = YarnMaster(conf_dir=Path("/etc/hadoop"), driver_host="10.0.0.1", python=Path("/opt/env/bin/python"))
    place, request = dataclasses.replace(PLACE, master=master), _request(driver_memory_mib=600)
    properties = spark_properties(request, place, None)
    from_master = master.properties(request, place.paths)
    assert {key: value for key, value in properties.items() if key not in from_master} == {
        "spark.app.name": "ada's",
        "spark.submit.deployMode": "client",
        "spark.driver.host": "10.0.0.1",
        "spark.driver.bindAddress": "10.0.0.1",
        "spark.driver.memory": "600m",
        "spark.local.dir": "/home/run/sessions/7/tmp",
        "spark.ui.enabled": "true",
        "spark.ui.port": "0",
        "spark.ui.killEnabled": "false",
        "spark.ui.filters": "org.apache.spark.ui.JWSFilter",
        "spark.org.apache.spark.ui.JWSFilter.param.secretKey": page_key("a secret"),
        "spark.ui.showConsoleProgress": "false",
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
        "spark.repl.class.outputDir": "/home/run/sessions/7/tmp/scala",
        "spark.sql.warehouse.dir": "/home/projects/weather/Resources/spark-warehouse",
        "spark.sql.repl.eagerEval.enabled": "true",
    }
    command = java_command(place, request.shape, project_user="weather__ada")
    assert (command[2], "-Xmx600m" in command) == ("/base/pyspark/jars/*:/etc/hadoop", True)
    assert "-Duser.name=weather__ada" in command
    variables = session_environment(request, place, control_plane_url="http://c/", webhdfs_address=None)
    assert variables["PYSPARK_PYTHON"] == "/opt/env/bin/python"
    assert java_environment(place)["SPARK_LOCAL_HOSTNAME"] == "10.0.0.1"
    assert java_environment(place)["SPARK_LOCAL_IP"] == "127.0.0.1", "Spark's pages are not for the network"
    assert java_environment(place)["HADOOP_CONF_DIR"] == "/etc/hadoop"


@pytest.mark.parametrize(("cores", "gpus"), [(1, 1), (1, 4), (4, 1), (3, 2)])
def test_a_task_has_all_gpus_of_its_executor_whatever_the_cores(cores, gpus):
    request = _request(executors=2, executor_cores=cores, gpus_per_executor=gpus)
    properties = spark_properties(request, PLACE, Path("/gpus.sh"))
    amounts = {properties[f"spark.{what}.resource.gpu.amount"] for what in ("worker", "executor", "task")}
    assert amounts == {str(gpus)}
    assert properties["spark.task.cpus"] == properties["spark.executor.cores"]


def test_the_owner_can_not_let_trials_share_gpus():
    shape = {"executors": 2, "executor_cores": 2, "gpus_per_executor": 1}
    properties = spark_properties(_request({"spark.task.cpus": "1"}, **shape), PLACE, Path("/gpus.sh"))
    assert properties["spark.task.cpus"] == "2"


HONOURED = {
    "spark.app.name": "the request's name is made of it",
    "spark.dynamicAllocation.initialExecutors": "passed on",
    "spark.task.cpus": "with GPUs it is refused",
    "spark.sql.repl.eagerEval.enabled": "only a default",
}


@pytest.mark.parametrize(
    "place",
    [
        PLACE,
        replace(PLACE, master=YarnMaster(conf_dir=Path("/hadoop"), driver_host="h", staging="hdfs:///t")),
        replace(PLACE, master=YarnMaster(conf_dir=Path("/hadoop"), driver_host="h", gpu_script="/gpus.sh")),
    ],
    ids=["this machine", "YARN", "YARN with GPUs"],
)
def test_what_the_platform_sets_itself_is_refused_by_name_and_never_overridden_in_silence(place):
    shapes = [{"executors": 2}, {"min_executors": 1, "max_executors": 4}, {"executors": 2, "gpus_per_executor": 1}]
    with_gpus = place.master is None or place.master.gpu_script is not None
    for shape in shapes if with_gpus else shapes[:2]:
        for name in spark_properties(_request(**shape), place, Path("/gpus.sh")):
            if name not in {*COUNTED, *HONOURED}:
                with pytest.raises(BadRequestError, match="can't be set"):
                    checked_conf({name: "x"})


def test_executors_that_come_and_go_begin_with_as_many_as_were_asked_for():
    initial = "spark.dynamicAllocation.initialExecutors"
    shape = {"min_executors": 1, "max_executors": 4}
    assert spark_properties(_request({initial: " 3"}, **shape), PLACE, None)[initial] == "3"
    assert spark_properties(_request(**shape), PLACE, None)[initial] == "1"


def test_without_gpus_an_executor_runs_as_many_tasks_as_it_has_cores():
    properties = spark_properties(_request(executors=2, executor_cores=4), PLACE, None)
    assert not [name for name in properties if name.startswith("spark.task.")]


def test_a_java_machine_without_memory_ends_instead_of_lingering():
    assert "-XX:+ExitOnOutOfMemoryError" in java_command(PLACE, Shape())


def test_what_the_owner_sets_never_overrides_what_the_platform_sets():
    properties = spark_properties(_request({"spark.master": "yarn", "spark.sql.ansi.enabled": "true"}), PLACE, None)
    assert (properties["spark.master"], properties["spark.sql.ansi.enabled"]) == ("local[1]", "true")


def test_no_secret_stands_in_a_command_line_or_variable():
    request = _request()
    environment = session_environment(request, PLACE, control_plane_url="http://c/", webhdfs_address=None)
    assert "secret-token" not in repr([request, environment, java_command(PLACE, request.shape)])


@pytest.mark.parametrize(
    ("webhdfs_address", "files"),
    [(None, {}), ("https://name-node:9871", {"HOPS_WEBHDFS_ADDRESS": "https://name-node:9871"})],
)
def test_the_process_gets_the_variables_of_the_contract_and_no_others(webhdfs_address, files):
    environment = session_environment(
        _request(), PLACE, control_plane_url="http://c/",
        webhdfs_address=webhdfs_address,
    )  # fmt: skip
    assert environment == files | {
        "HOPS_PROJECT": "weather",
        "HOPS_USER": "ada",
        "HOPS_PROJECT_USER": "weather__ada",
        "HOPS_PROJECT_PATH": "/home/projects/weather",
        "HOPS_TOKEN_FILE": "/home/run/sessions/7/token.jwt",
        "HOPS_CERTIFICATES": "/home/run/sessions/7/certificates",
        "HOPS_CONTROL_PLANE_URL": "http://c/",
        "HOPS_APP_ID": "application_1_0007",
        "HOPS_SERVER_PREFIX": "/user/ada/weather/",
        "HADOOP_USER_NAME": "weather__ada",
        "SPARK_HOME": "/home/run/sessions/7/spark",
        "PYSPARK_PYTHON": "/home/environments/projects/weather/bin/python",
        "JAVA_HOME": "/java",
        "PATH": "/home/environments/projects/weather/bin:/java/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/home/homes/weather__ada",
        "LANG": "C.UTF-8",
        "TMPDIR": "/home/run/sessions/7/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "CUDA_VISIBLE_DEVICES": "",
    }


def test_a_properties_file_says_what_was_meant():
    assert properties_text({"a.b": "x\ny", "c": " \\é"}) == "a.b=x\\ny\nc=\\ \\\\\\u00e9\n"


@pytest.mark.parametrize(
    ("options", "written"),
    [
        (["-Xshare:auto", "-Da=b"], "-Xshare:auto -Da=b"),
        (["-Djava.io.tmpdir=/a home/tmp", "-Da=b"], '"-Djava.io.tmpdir=/a home/tmp" -Da=b'),
        (['-Da="b"'], r'"-Da=\"b\""'),
        (["-Da=b\\c"], r'"-Da=b\\c"'),
    ],
)
def test_java_options_with_spaces_stay_whole_when_spark_splits_them(options, written):
    assert java_options(options) == written
    assert shlex.split(written) == options


def test_a_session_sees_its_own_project_folder_and_home_and_what_runs_it():
    view = session_view(PLACE, _request(), home=Home(Path("/home")), also=(Path("/data"),))
    assert set(map(str, view.write)) == {"/home/run/sessions/7", "/home/projects/weather", "/home/homes/weather__ada"}
    needed = {"/home/environments/projects/weather", "/archives", "/java", "/home/run/session-service", "/data"}
    assert needed <= set(map(str, view.read))
    full = session_view(PLACE, replace(_request(), full=True), home=Home(Path("/home")))
    assert set(map(str, full.write)) == {"/home/run/sessions/7", "/home/homes/weather__ada"}
    assert Path("/home/projects/weather") in full.read
    assert view.hidden == (Path("/home"),)
    assert view.temporary == PLACE.folder.temporary
    assert (view.shared_memory_mib, view.gpus) == (2048, False)


def test_who_was_given_gpus_of_this_machine_sees_their_devices_and_a_cluster_gives_its_own():
    request = _request(gpus_per_executor=1)
    assert session_view(PLACE, request, home=Home(Path("/home"))).gpus
    master = YarnMaster(conf_dir=Path("/etc/hadoop"), driver_host="h", staging="file:///staging")
    view = session_view(replace(PLACE, master=master), request, home=Home(Path("/home")))
    assert not view.gpus
    assert Path("/etc/hadoop") in view.read
    assert Path("/staging") in view.write


def test_where_datasets_lie_on_hdfs_code_is_told_that_address():
    address = "hdfs://name-node:8020/lake/Projects/weather"
    place = replace(PLACE, project_address=address)
    environment = session_environment(_request(), place, control_plane_url="http://c/", webhdfs_address="n:9870")
    assert environment["HOPS_PROJECT_PATH"] == address
    properties = spark_properties(_request(), place, None)
    assert properties["spark.sql.warehouse.dir"] == f"{address}/Resources/spark-warehouse"
    assert "spark.hadoop.fs.defaultFS" not in properties


SANDBOXES = Sandboxes(
    program="/usr/bin/bwrap", reaches=(Address(host="10.0.0.7", port=3128),), brokers=("10.0.0.9:9093",)
)


def _kept(place, request, sandboxes=SANDBOXES):
    command = sandboxes.command(
        ["python"], place, request, home=Home(Path("/home")), urls=["http://127.0.0.1:8090/", "127.0.0.1:50070"]
    )
    return Orders(command[4]), "--unshare-net" in command


def test_a_session_reaches_services_and_what_the_site_names_and_its_pages_have_a_way():
    place = replace(PLACE, own_network=True)
    orders, apart = _kept(place, _request())
    assert (orders.apart, apart) == (True, True)
    assert orders.out == [("10.0.0.7", 3128), ("10.0.0.9", 9093), ("127.0.0.1", 8090), ("127.0.0.1", 50070)]
    assert orders.into == [(4040, "/home/run/sessions/7.pages")]
    assert orders.told == "/home/run/sessions/7.limited"
    assert spark_properties(_request(), place, None)["spark.ui.port"] == "4040"
    orders, _ = _kept(place, replace(_request(), batch=BatchFile(file=Path("/x.py"))))
    assert orders.into == [], "of a batch there are no pages"


def test_in_the_machines_network_there_are_no_ways_and_pages_have_a_port_of_their_own():
    orders, apart = _kept(PLACE, _request())
    assert (orders.apart, apart, orders.out, orders.into) == (False, False, [], [])
    assert spark_properties(_request(), PLACE, None)["spark.ui.port"] == "0"


def test_a_session_is_kept_apart_unless_its_project_is_open_or_its_executors_are_elsewhere():
    assert SANDBOXES.keeps_apart(_request(), on_cluster=False)
    assert not SANDBOXES.keeps_apart(_request(), on_cluster=True)
    assert not SANDBOXES.keeps_apart(replace(_request(), network=Network.OPEN), on_cluster=False)
    assert not replace(SANDBOXES, own_networks=False).keeps_apart(_request(), on_cluster=False)


def test_a_session_may_take_more_memory_than_it_was_granted_to_a_bound():
    request = _request()
    granted = request.shape.total_memory_mib
    assert _kept(PLACE, request)[0].memory_mib == 2 * granted + 1024
    assert _kept(PLACE, request, replace(SANDBOXES, memory_percent=0))[0].memory_mib == 0
    assert _kept(PLACE, request, replace(SANDBOXES, processes=9))[0].processes == 9
    master = YarnMaster(conf_dir=Path("/etc/hadoop"), driver_host="h", staging="file:///staging")
    orders, _ = _kept(replace(PLACE, master=master), request)
    assert orders.memory_mib == 2 * request.shape.driver_memory_mib + 1024, "of a cluster the driver alone is here"
