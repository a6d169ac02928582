"""Experiments of a project on a real HDFS, on a real Spark."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def found(runner, hdfs_cluster, tmp_path_factory):
    return runner.run_scenario(
        "on_hdfs",
        tmp_path_factory.mktemp("on_hdfs"),
        variables={
            "HOPS_PROJECT_PATH": f"hdfs://127.0.0.1:{hdfs_cluster.rpc}/Projects/weather",
            "HOPS_WEBHDFS_ADDRESS": f"127.0.0.1:{hdfs_cluster.http}",
            "HADOOP_USER_NAME": "weather__ada",
        },
    )


def test_an_experiment_leaves_its_files_on_hdfs(found):
    assert found["logdir"].startswith("hdfs://127.0.0.1:")
    for trial in ("a=1", "a=2"):
        for name in (".hparams.json", ".outputs.json", ".metric", "output.log", "events", "model.bin"):
            assert f"{trial}/{name}" in found["files"]
    assert ".summary.json" in found["files"]
    assert ".trials" not in found["files"]
    assert not [name for name in found["files"] if name.endswith(".part")]
    assert found["owner"] == "weather__ada"


def test_the_best_trial_read_its_data_from_hdfs_and_left_its_model_there(found):
    assert found["best"] == {"a": 2}
    assert found["outputs"]["accuracy"] == 6
    assert found["model"] == "weights"
    assert [c["metric"] for c in found["summary"]["combinations"]] == [3, 6, None]


def test_what_trials_print_is_in_their_logs_on_hdfs(found):
    assert found["log"].rstrip().endswith("a is 1")
    assert found["states"] == ["FINISHED", "FINISHED", "FAILED"]
    assert "KeyError: 'no such column'" in found["traceback"]


def test_spark_reads_the_same_file(found):
    assert found["rows"] == 3


def test_generations_of_an_evolution_lie_on_hdfs(found):
    assert found["evolved"] >= 4
    assert {"generation.0", "generation.1"} <= set(found["folders"])
