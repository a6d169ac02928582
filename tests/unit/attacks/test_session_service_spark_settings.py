"""Settings that break the laws of `hops_livy.conf`: files outside the project (2), more than was counted (3)."""

import pytest

from hops_livy.conf import checked_conf
from hops_livy.errors import BadRequestError


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.scheduler.allocation.file", "/etc/passwd"),
        ("spark.scheduler.allocation.file", "http://169.254.169.254/latest/meta-data"),
        ("spark.python.profile.dump", "/platform/.hopslab/projects/blue"),
        ("spark.storage.decommission.fallbackStorage.path", "file:///platform/.hopslab/projects/blue/"),
        ("spark.sql.streaming.checkpointLocation", "file:///platform/.hopslab/projects/blue/"),
    ],
)
def test_a_setting_that_names_a_file_outside_the_project_is_refused(key, value):
    with pytest.raises(BadRequestError):
        checked_conf({key: value})


@pytest.mark.parametrize(
    "conf",
    [
        {"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "64g"},
        {"spark.executor.memoryOverhead": "64g"},
    ],
)
def test_a_setting_that_takes_memory_which_nobody_counted_is_refused(conf):
    with pytest.raises(BadRequestError):
        checked_conf(conf)
