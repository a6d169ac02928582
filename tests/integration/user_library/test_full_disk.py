"""A trial whose disk gets full: it says so, and what the others did is kept."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hops.experiment import attend
from hops.experiment.plan import RunPlan, TrialPlan
from hops.experiment.records import State, Trial


@pytest.fixture
def full_trial(tmp_path, monkeypatch, small_disk):
    """Runs a function as a trial of a run on a disk of 64 KiB; returns its record and the run's folder."""
    project = tmp_path / "weather"
    root = project / "Experiments" / "run_1"
    root.mkdir(parents=True)
    small_disk(root, 64)
    (root / ".trials").mkdir()
    variables = {"HOPS_PROJECT": "weather", "HOPS_PROJECT_PATH": str(project)}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def run(function):
        plan = RunPlan(str(root), pickle.dumps(function), None, False, False, 4, variables=variables)
        one = TrialPlan(0, "a=1", "Experiments/run_1/a=1", pickle.dumps({}), {"a": 1})
        unstored = attend.attend(plan, one, attempt=0, gpus=[])
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("trial-")] == []
        return Trial.from_json(unstored or (root / ".trials" / "0.json").read_bytes()), root

    return run


def _talks():
    for _ in range(1000):
        print("a" * 1000, flush=True)  # noqa: T201  # trials print
    return 1


def _leaves_no_room():
    with Path(os.environ["TENSORBOARD_LOGDIR"], "events").open("wb", buffering=0) as events:
        try:
            while True:
                events.write(bytes(4096))
        except OSError:
            return 1


def _names_a_large_file():
    Path("model").write_bytes(bytes(1_000_000))
    return {"metric": 1, "model": "model"}


@pytest.mark.parametrize("function", [_talks, _leaves_no_room, _names_a_large_file])
def test_a_full_disk_ends_the_trial_with_cause_and_remedy(full_trial, function):
    record, root = full_trial(function)
    assert record.state is State.FAILED
    assert record.error.startswith("The disk is full, or the share of it that this project may use")
    assert "Delete what is no longer needed" in record.error
    assert str(root) not in record.error
    assert list(root.glob("**/*.part")) == []


@pytest.mark.spark
def test_the_other_trials_are_kept_and_the_next_experiment_runs(runner, tmp_path, small_disk):
    runner.environment(tmp_path)
    small_disk(tmp_path / "projects/weather/Experiments", 512)
    found = runner.run_scenario("full_disk", tmp_path)
    assert found["room"] == 0, "the disk had room left"
    (one, full, three) = found["trials"]
    assert [one[:2], three[:2]] == [["FINISHED", 1], ["FINISHED", 3]]
    assert full[0] == "FAILED"
    assert "No space left on device" in full[2]
    assert found["metrics"] == ["a=1", "a=3"]
    assert found["after"] == 5
