"""What the library knows of its process: project, Spark, GPUs, executors."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
from hops import _session, devices, experiment, hdfs, util


def test_outside_a_project_the_cause_and_the_remedy_are_told(monkeypatch):
    for name in ("HOPS_PROJECT_PATH", "HOPS_SERVER_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(_session.NoProjectError, match="Open the notebook in a project's server"):
        hdfs.project_path()


def test_a_plain_kernel_learns_its_project_from_the_notebook_server(in_a_project, tmp_path, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "server.json").write_text(
        json.dumps({"project": "weather", "user": "ada", "project_folder": str(in_a_project), "more": 1})
    )
    monkeypatch.delenv("HOPS_PROJECT_PATH")
    monkeypatch.setenv("HOPS_SERVER_FOLDER", str(folder))
    assert hdfs.project_path() == f"{in_a_project}/"
    assert hdfs.project_user() == "weather__ada"
    assert _session.current().server_prefix == "/user/ada/weather/"


def test_an_experiment_in_a_plain_kernel_is_answered_in_a_sentence(in_a_project, without_spark):
    with pytest.raises(RuntimeError, match=r"^This kernel has no Spark. Choose the kernel PySpark"):
        experiment.launch(lambda: 1)
    with pytest.raises(RuntimeError, match="This kernel has no Spark"):  # the refused one has left no lock behind
        experiment.launch(lambda: 1)
    assert os.listdir(in_a_project / "Experiments") == ["application_1_1"]  # noqa: PTH208


def test_what_is_no_function_is_refused_before_anything_starts(in_a_project):
    with pytest.raises(TypeError, match="A function to train with is needed, not int"):
        experiment.launch(7)


def test_the_token_is_never_forwarded_to_trials(in_a_project, monkeypatch):
    monkeypatch.setenv("HOPS_TOKEN_FILE", "/secret/token.jwt")
    forwarded = _session.forwarded_variables()
    assert "HOPS_TOKEN_FILE" not in forwarded
    assert forwarded["HOPS_PROJECT_PATH"] == str(in_a_project)


@pytest.mark.parametrize(("visible", "count"), [("", 0), ("-1", 0), ("0", 1), ("0,3", 2), ("GPU-8a1b, GPU-77f0", 2)])
def test_a_trial_has_the_gpus_that_spark_gave_to_its_task(monkeypatch, visible, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.get_num_gpus() == count


def _nvidia_smi(folder, monkeypatch, script):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_outside_trials_the_gpus_of_the_machine_are_counted(tmp_path, monkeypatch):
    _nvidia_smi(tmp_path, monkeypatch, "echo 'GPU 0: H200 (UUID: GPU-1)'; echo 'GPU 1: H200 (UUID: GPU-2)'; echo note")
    assert devices.get_num_gpus() == 2


def test_a_driver_that_does_not_answer_means_no_gpu(tmp_path, monkeypatch):
    _nvidia_smi(tmp_path, monkeypatch, "echo 'has failed because it could not communicate' >&2; exit 9")
    assert devices.get_num_gpus() == 0
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert devices.get_num_gpus() == 0


def test_the_gpus_of_a_trial_are_described_and_no_others(tmp_path, monkeypatch):
    rows = "echo 'NVIDIA H200, 143771, 1024, 37'"
    _nvidia_smi(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/asked; {rows}; {rows}; echo note')
    assert devices.get_gpu_info() == "NVIDIA H200, 143771, 1024, 37\nNVIDIA H200, 143771, 1024, 37"
    assert "-i" not in (tmp_path / "asked").read_text()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert devices.get_gpu_util().splitlines() == ["NVIDIA H200: 1024 of 143771 MiB of memory, 37 % busy"] * 2
    assert (tmp_path / "asked").read_text().endswith("-i 2,3\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert (devices.get_gpu_info(), devices.get_gpu_util()) == ("", "")


def test_grid_params_crosses_the_lists():
    assert util.grid_params({"a": [1, 2], "b": [3, 4]}) == {"a": [1, 1, 2, 2], "b": [3, 4, 3, 4]}


def test_columns_of_a_csv_file_become_lists(in_a_project):
    hdfs.dump('\ufefflr,note\n0.1,"a,b"\n0.2,ü\n', "Resources/args.csv")
    assert util.csv_to_args("Resources/args.csv") == {"lr": ["0.1", "0.2"], "note": ["a,b", "ü"]}


@pytest.mark.parametrize(
    ("master", "settings", "count"),
    [
        ("local[4]", {}, 1),
        ("local-cluster[3,1,1024]", {}, 3),
        ("yarn", {"spark.executor.instances": "5"}, 5),
        ("yarn", {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.maxExecutors": "7"}, 7),
    ],
)
def test_executors_are_counted_from_what_the_session_was_given(master, settings, count):
    context = SimpleNamespace(master=master, getConf=lambda: settings)
    assert util.num_executors(SimpleNamespace(sparkContext=context)) == count


def test_parameter_servers_and_the_name_of_the_job_come_from_variables(monkeypatch):
    monkeypatch.delenv("NUM_TF_PS", raising=False)
    monkeypatch.delenv("HOPS_JOB_NAME", raising=False)
    assert (util.num_param_servers(), util.get_job_name()) == (0, None)
    monkeypatch.setenv("NUM_TF_PS", "2")
    monkeypatch.setenv("HOPS_JOB_NAME", "nightly")
    assert (util.num_param_servers(), util.get_job_name()) == (2, "nightly")
