"""One trial in a real process, attended as a Spark task attends it, without Spark."""

# ruff: noqa: T201  # trials print

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hops.experiment import attend, child, journal, listening
from hops.experiment.plan import RunPlan, TrialPlan
from hops.experiment.records import State, Trial

from tests.waiting import until


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """Runs a function as a trial; returns its record, and its folder."""
    root = tmp_path / "weather" / "Experiments" / "run_1"
    (root / ".trials").mkdir(parents=True)
    monkeypatch.setenv("HOPS_PROJECT", "weather")
    monkeypatch.setenv("HOPS_PROJECT_PATH", str(tmp_path / "weather"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    variables = {"HOPS_PROJECT": "weather", "HOPS_PROJECT_PATH": str(tmp_path / "weather")}

    def run(function, *, key=None, required=False, attempt=0, tries=4, **arguments):
        plan = RunPlan(str(root), pickle.dumps(function), key, required, False, tries, variables=variables)
        one = TrialPlan(0, "a=1", "Experiments/run_1/a=1", pickle.dumps(arguments), {"a": 1})
        attend.attend(plan, one, attempt=attempt, gpus=[])
        left = [path.name for path in tmp_path.iterdir() if path.name.startswith("trial-")]
        assert left == [], "a working folder was left behind"
        return Trial.from_json((root / ".trials" / "0.json").read_bytes()), root / "a=1"

    return run


def log_of(folder):
    return [line.split(" ", 1)[1] for line in (folder / "output.log").read_text().splitlines()]


def _gives(value):
    return value


def _numpy():
    numpy = pytest.importorskip("numpy")
    return {"metric": numpy.float32(0.5), "n": numpy.int64(3), "flag": numpy.bool_(True), "one": numpy.array([7])}


def test_numbers_of_other_libraries_become_plain_ones(trial):
    pytest.importorskip("numpy")
    record, _ = trial(_numpy, required=True)
    assert record.outputs == {"metric": 0.5, "n": 3, "flag": True, "one": 7, "log": "Experiments/run_1/a=1/output.log"}
    assert record.metric == 0.5


def test_a_metric_that_is_not_a_number_is_kept_and_never_compared(trial):
    record, folder = trial(_gives, required=True, value=math.nan)
    assert record.state is State.FINISHED
    assert math.isnan(record.metric)
    assert not record.comparable
    assert json.loads((folder / ".outputs.json").read_text())["metric"] == "nan"


@pytest.mark.parametrize("value", [True, None, "good", [1], {"other": 1}])
def test_what_is_no_metric_fails_the_trial_with_the_known_sentence(trial, value):
    record, folder = trial(_gives, required=True, value=value)
    assert record.state is State.FAILED
    assert record.error.startswith("Your function needs to return a metric (number)")
    assert record.error in log_of(folder)[0]


def _nested(value):
    return {"metric": 1, ("a", 1): {"set": {3}, "object": value}, "bytes": b"\xff"}


def test_values_that_json_can_not_hold_are_kept_as_text(trial):
    record, _ = trial(_nested, value={1: [complex(1, 2)]})
    assert record.outputs["('a', 1)"] == {"set": [3], "object": {"1": ["(1+2j)"]}}
    assert record.outputs["bytes"] == "b'\\xff'"


def _files():
    Path("model").mkdir()
    Path("model/w.bin").write_bytes(b"w")
    Path("output.log").write_text("my own")
    return {"metric": 1, "weights": "model/w.bin", "note": "output.log", "text": "no such file", "folder": "model"}


def test_files_that_are_named_in_the_outputs_are_kept_and_overwrite_nothing_of_the_trial(trial):
    record, folder = trial(_files)
    assert record.outputs["weights"] == "Experiments/run_1/a=1/w.bin"
    assert record.outputs["note"] == "Experiments/run_1/a=1/_output.log"
    assert (folder / "_output.log").read_text() == "my own"
    assert record.outputs["text"] == "no such file"
    assert record.outputs["folder"] == "model"


def _large():
    return {"metric": 1, "history": list(range(200_000)), "text": "x" * 500_000}


def test_large_results_arrive_whole_and_long_texts_are_cut(trial):
    record, _ = trial(_large)
    assert record.outputs["history"][-1] == 199_999
    assert len(record.outputs["text"]) == 100_000


def test_a_result_beyond_the_limit_fails_the_trial_and_not_the_worker(trial, monkeypatch):
    monkeypatch.setattr(child, "MAX_RESULT_BYTES", 1000)
    record, _ = trial(_large)
    assert record.state is State.FAILED
    assert "returned more than 1000 bytes. Write large results to a file" in record.error


def _prints_everywhere():
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    subprocess.run(["/bin/sh", "-c", "echo from a child; echo in trouble >&2"], check=True)
    os.write(1, b"without an end \xff")
    return 1


def test_whatever_way_it_is_printed_it_is_in_the_log(trial):
    _, folder = trial(_prints_everywhere)
    lines = [line.split(" ", 1)[1] for line in (folder / "output.log").read_text(errors="replace").splitlines()]
    assert sorted(lines) == sorted(["from a thread", "from a child", "in trouble", "without an end �"])


def _shouts():
    for _ in range(200):
        print("x" * 999)
    sys.stderr.write("y" * 300_000)
    return 1


def test_the_log_has_a_limit_and_says_so(trial, monkeypatch):
    monkeypatch.setattr(journal, "MAX_LOG_BYTES", 50_000)
    record, folder = trial(_shouts)
    assert record.state is State.FINISHED
    assert (folder / "output.log").stat().st_size < 200_000
    assert "The rest of the output was left out" in (folder / "output.log").read_text()


def _dies(number):
    print("last words")
    os.kill(os.getpid(), number)
    time.sleep(60)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "perhaps it needed more memory"), (signal.SIGTERM, "SIGTERM"), (signal.SIGSEGV, "SIGSEGV")],
)
def test_a_process_that_dies_is_recorded_with_its_last_words(trial, number, words):
    record, folder = trial(_dies, number=number)
    assert record.state is State.FAILED
    assert words in record.error
    assert log_of(folder)[0] == "last words"


def _exits():
    sys.exit("enough")


def test_a_function_that_ends_its_process_is_told_to_return(trial):
    record, _ = trial(_exits)
    assert record.error == "The function called sys.exit('enough'); return instead."


def _leaves_a_child_running():
    child = subprocess.Popen(["sleep", "300"])
    Path(os.environ["TENSORBOARD_LOGDIR"], "child").write_text(str(child.pid))
    return 1


def test_what_a_trial_leaves_running_is_ended_with_it(trial):
    began = time.monotonic()
    record, folder = trial(_leaves_a_child_running)
    assert record.state is State.FINISHED
    assert time.monotonic() - began < 100, "the child would sleep for 300 seconds"
    pid = (folder / "child").read_text()
    until(lambda: not _runs(pid))


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _leaves_a_daemon():
    daemon = subprocess.Popen(["sleep", "300"], start_new_session=True)
    Path(os.environ["TENSORBOARD_LOGDIR"], "daemon").write_text(str(daemon.pid))
    print("done")
    return 1


def test_a_daemon_that_holds_the_output_open_does_not_hold_the_trial(trial, monkeypatch):
    monkeypatch.setattr(listening, "PATIENCE_S", 0.3)
    began = time.monotonic()
    record, folder = trial(_leaves_a_daemon)
    os.kill(int((folder / "daemon").read_text()), signal.SIGKILL)
    assert record.state is State.FINISHED
    assert log_of(folder) == ["done"]
    assert time.monotonic() - began < 100, "the daemon would sleep for 300 seconds"


def test_a_trial_whose_executors_were_lost_too_often_is_given_up(trial):
    record, _ = trial(_gives, value=1, attempt=3, tries=4)
    assert record.state is State.FAILED
    assert "was lost 3 times" in record.error
    assert record.attempts == 3
