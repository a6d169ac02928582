import pytest

from hops_livy.conf import checked_conf, memory_mib, shape_of
from hops_livy.errors import BadRequestError
from hops_livy.wire import SessionRequest


@pytest.mark.parametrize(
    ("text", "mib"), [("512m", 512), ("2g", 2048), ("2G", 2048), ("1024M", 1024),
     ("700", 700), ("1t", 1048576), ("2gb", 2048)]
)  # fmt: skip
def test_memory_is_read_as_spark_reads_it(text, mib):
    assert memory_mib(text) == mib


@pytest.mark.parametrize("text", ["", "much", "1.5g", "-1g", "5x"])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(ValueError, match="amount of memory"):
        memory_mib(text)


@pytest.mark.parametrize(
    "key",
    [
        "spark.master", "spark.submit.deployMode", "spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions",
        "spark.driver.extraClassPath", "spark.executor.extraLibraryPath", "spark.proxyUser", "spark.yarn.keytab",
        "spark.kerberos.principal", "spark.jars", "spark.jars.packages", "spark.files", "spark.submit.pyFiles",
        "spark.plugins", "spark.extraListeners", "spark.sql.extensions", "spark.sql.catalog.x", "spark.ui.enabled",
        "spark.eventLog.dir", "spark.driver.host", "spark.driver.port", "spark.local.dir", "spark.pyspark.python",
        "spark.executorEnv.PATH", "spark.worker.resource.gpu.discoveryScript", "spark.authenticate", "SPARK.MASTER",
        "spark.hadoop.fs.defaultFS", "anything.else", "spark.sql.warehouse.dir", "spark.task.resource.gpu.amount",
        "spark.python.daemon.module", "spark.driver.defaultJavaOptions", "spark.sql.extensions.test.x",
        "spark.sql.hive.metastore.jars", "spark.sql.ui.retainedExecutions", "spark.files.useFetchCache",
        "spark.cores.max", "spark.driver.heartbeatInterval", "spark.executor.maxResultSize",
    ],
)  # fmt: skip
def test_settings_that_leave_the_project_are_refused_by_name(key):
    with pytest.raises(BadRequestError, match="can't be set") as refused:
        checked_conf({key: "x", "spark.sql.shuffle.partitions": "4"})
    assert [violation.field for violation in refused.value.violations] == [f"conf.{key}"]


def test_ordinary_settings_pass_and_counted_ones_are_taken_out():
    conf = {"spark.sql.shuffle.partitions": "4", "spark.executor.memory": "2g", "spark.serializer": "x"}
    assert checked_conf(conf) == {"spark.sql.shuffle.partitions": "4", "spark.serializer": "x"}


def test_fields_of_the_request_go_before_settings():
    request = SessionRequest(driverMemory="2g", executorCores=3, numExecutors=4)
    shape = shape_of(request, {"spark.driver.memory": "1g", "spark.executor.memory": "3g"})
    assert (shape.driver_memory_mib, shape.executor_memory_mib, shape.executor_cores) == (2048, 3072, 3)
    assert (shape.most_executors, shape.clustered, shape.total_memory_mib) == (4, True, 2048 + 4 * 3072)


def test_dynamic_allocation_counts_the_most():
    conf = {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "0",
        "spark.dynamicAllocation.maxExecutors": "3",
        "spark.executor.resource.gpu.amount": "2",
    }
    shape = shape_of(SessionRequest(), conf)
    assert (shape.dynamic, shape.min_executors, shape.most_executors, shape.total_gpus) == (True, 0, 3, 6)


def test_how_many_executors_a_session_begins_with_is_bounded_by_what_was_counted():
    conf = {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.minExecutors": "1",
            "spark.dynamicAllocation.maxExecutors": "3"}  # fmt: skip
    for number in ("1", "3", ""):
        shape_of(SessionRequest(), {**conf, "spark.dynamicAllocation.initialExecutors": number})
    for number in ("0", "4", "all"):
        with pytest.raises(BadRequestError, match=r"initialExecutors: '.*' is not a whole number from 1 to 3"):
            shape_of(SessionRequest(), {**conf, "spark.dynamicAllocation.initialExecutors": number})


def test_a_task_has_cores_of_ones_choice_where_there_are_no_gpus():
    assert checked_conf({"spark.task.cpus": "2"}) == {"spark.task.cpus": "2"}
    shape_of(SessionRequest(), {"spark.task.cpus": "2"})
    with pytest.raises(BadRequestError, match=r"spark\.task\.cpus: where there are GPUs a task has all"):
        shape_of(SessionRequest(), {"spark.task.cpus": "2", "spark.executor.resource.gpu.amount": "1"})


def test_more_executors_at_least_than_at_most_are_refused():
    conf = {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "3",
        "spark.dynamicAllocation.maxExecutors": "2",
    }
    with pytest.raises(BadRequestError, match="at least 3 executors is more than at most 2"):
        shape_of(SessionRequest(), conf)


def test_all_that_is_wrong_is_told_at_once():
    conf = {"spark.executor.cores": "many", "spark.executor.memory": "4m", "spark.hops.gpu.label": "fast"}
    with pytest.raises(BadRequestError) as refused:
        shape_of(SessionRequest(), conf)
    assert {violation.field for violation in refused.value.violations} == {f"conf.{key}" for key in conf}
