"""Experiments on a real Spark: one executor, two executors with GPUs, a lost executor, Ctrl-C."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def local(runner, tmp_path_factory):
    return runner.run_scenario("local", tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def cluster(runner, tmp_path_factory):
    return runner.run_scenario("cluster", tmp_path_factory.mktemp("cluster"))


def test_launch_zips_the_lists_and_keeps_the_layout(local):
    launch = local["launch"]
    assert launch["logdir"].endswith("_1")
    for trial in ("a=1&b=3", "a=2&b=4"):
        for name in (".hparams.json", ".outputs.json", ".metric", "output.log", "events", "model.bin"):
            assert f"{trial}/{name}" in launch["files"]
    assert ".summary.json" in launch["files"]
    assert len([name for name in launch["files"] if name.endswith("output.log")]) == 2
    assert launch["metric"] == "8.0"


def test_outputs_are_those_of_the_function_and_files_lie_in_the_trial(local):
    outputs = local["launch"]["outputs"]["a=1&b=3"]
    assert outputs["accuracy"] == 3
    assert outputs["model"].startswith("Experiments/")
    assert outputs["model"].endswith("_1/a=1&b=3/model.bin")
    assert outputs["devices"] == 0


def test_the_summary_holds_every_combination(local):
    summary = local["launch"]["summary"]
    assert summary["state"] == "FINISHED"
    assert [c["parameters"] for c in summary["combinations"]] == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    assert [c["outputs"]["accuracy"] for c in summary["combinations"]] == [3, 8]


def test_each_line_of_the_log_has_its_time(local):
    (line,) = local["launch"]["log"].splitlines()
    stamp, text = line.split(" ", 1)
    assert text == "a is 1"
    assert stamp[4] == "-"
    assert stamp.endswith("+00:00")


def test_a_result_shows_itself_as_a_table_with_links(local):
    assert "/user/ada/weather/lab/tree/Experiments/" in local["launch"]["html"]


def test_the_old_call_shape_returns_the_directory_as_a_text(local):
    assert local["old"]["is_text"]
    assert "a=1/.outputs.json" in local["old"]["files"]
    assert "/Experiments/" in local["tflauncher"]
    assert "/Experiments/" in local["old_grid"]


def test_a_launch_without_arguments_returns_what_the_function_returned(local):
    assert local["once"][1]["metric"] == 7


def test_grid_search_crosses_the_lists_and_takes_the_direction(local):
    assert local["grid"]["best"] == {"a": 1, "b": 3}
    assert local["grid"]["outputs"]["accuracy"] == 3


def test_random_search_stays_between_the_boundaries(local):
    _, best, outputs = local["random"]
    assert 0 <= best["x"] <= 1
    assert best["n"] in range(1, 10)
    assert outputs["metric"] == pytest.approx(best["x"] + best["n"])


def test_evolution_never_gets_worse_and_numbers_its_generations(local):
    evolution = local["evolution"]
    assert evolution["metric"] >= evolution["first"]
    assert "generation.0" in evolution["folders"]


def test_old_generations_are_removed_where_that_was_asked_for(local):
    assert "generation.0" not in local["cleaned"]
    assert "generation.1" in local["cleaned"]


def test_a_failing_trial_is_recorded_and_loses_no_other(local):
    trials = local["failures"]["trials"]
    assert {a for a, (state, _) in trials.items() if state == "FINISHED"} == {"1", "6"}
    assert local["failures"]["best"] == {"a": 6}
    assert "no such column" in trials["2"][1]
    assert "exit code 3" in trials["3"][1]
    assert "SIGABRT" in trials["4"][1]
    assert "needs to return a metric" in trials["5"][1]
    assert "no such column" in local["failures"]["outputs"]["error"]


def test_the_log_of_a_failed_trial_holds_its_traceback(local):
    assert "before the trouble" in local["failures"]["traceback"]
    assert "Traceback (most recent call last)" in local["failures"]["traceback"]
    assert "KeyError" in local["failures"]["traceback"]
    assert "before the trouble" in local["failures"]["crash"]


def test_a_trial_finds_nothing_that_another_left_in_the_environment(local):
    assert local["left_behind"]["metric"] == "nothing"


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("unequal", "ValueError", "Length of each function argument list must be equal"),
        ("unknown", "TypeError", "takes no argument 'c'"),
        ("missing", "TypeError", "needs values for 'a'"),
        ("direction", "ValueError", "Invalid direction up, must be max or min"),
        ("no_metric", "MetricError", "Your function needs to return a metric (number)"),
        ("wrong_key", "MetricError", "'accuracy' is not among what it returned: 'loss'"),
        ("all_fail", "ExperimentError", "All 2 trials failed"),
        ("locked", "FunctionError", "can't be sent to the executors"),
        ("second", "RuntimeError", "An experiment is currently running"),
        ("after_errors", "none", ""),
    ],
)
def test_wrong_calls_are_answered_in_a_sentence(local, case, kind, words):
    assert local["errors"][case][0] == kind
    assert words in local["errors"][case][1]


def test_a_value_that_looks_like_a_path_stays_one_folder_name(local):
    (name,) = local["strange"]["names"]
    assert "/" not in name
    assert len(name.encode()) <= 200
    assert local["strange"]["value"]


def test_functions_of_every_kind_reach_the_trials(local):
    assert local["functions"] == {"closure": 1111, "method": 15, "partial": 1002, "any_arguments": 2, "built_in": 4}


def test_values_of_every_kind_reach_the_trials_and_are_recorded(local):
    values = local["values"]
    assert values["types"] == ["dict", "list", "set", "float64", "NoneType", "Net", "type", "bytes", "str"]
    assert values["hparams"][:7] == [{"layers": [1, 2]}, [3, 4], [5], 0.5, None, "Net(2)", "Net"]
    assert values["names"][3] == "v=0.5"
    assert values["names"][5:7] == ["v=Net%282%29", "v=Net"]
    assert all(len(name.encode()) <= 200 for name in values["names"])


def test_broadcast_variables_reach_the_trials(local):
    assert local["broadcast"]["metric"] == 42


def test_events_of_a_local_logdir_are_uploaded(local):
    assert "a=1/events" in local["local_logdir"]


def test_no_two_trials_get_the_same_gpu_at_once(cluster):
    assert {outputs["gpu"] for outputs in cluster["gpus"]} == {"0", "1"}
    assert all(outputs["count"] == 1 for outputs in cluster["gpus"])
    assert sorted(outputs["metric"] for outputs in cluster["gpus"]) == list(range(6))
    assert [[outputs["gpu"]] for outputs in cluster["gpus"]] == cluster["records"]


def test_a_trial_whose_executor_was_killed_runs_again_in_a_clean_folder(cluster):
    trials = cluster["killed"]["trials"]
    assert [trials[a][:2] for a in "123"] == [["FINISHED", 1.0], ["FINISHED", 2.0], ["FINISHED", 3.0]]
    assert trials["1"][2] >= 2
    assert "half-written" not in cluster["killed"]["files"]
    assert "the one before was lost with its executor" in cluster["killed"]["log"]


def test_ctrl_c_pressed_twice_ends_the_trials_and_keeps_what_is_done(runner, tmp_path):
    found = runner.run_scenario("interrupted", tmp_path, interrupt_when="INTERRUPT NOW", interruptions=2)
    assert found["outcome"] == "interrupted"
    assert found["alive"] == []
    assert found["summary"]["state"] == "KILLED"
    states = {c["parameters"]["a"]: c["state"] for c in found["summary"]["combinations"]}
    assert states == {1: "FINISHED", 2: "FINISHED", 3: "KILLED", 4: "KILLED", 5: "KILLED"}
    assert found["after"]["metric"] == 5
    assert ".trials" not in found["names"]


def test_tensorboards_page_of_hyperparameters_shows_the_trials_that_wrote_events(runner, tmp_path):
    found = runner.run_scenario("hparams", tmp_path)
    assert found["runs"] == ["lr=0.1&act=relu", "lr=0.2&act=relu"]
    assert found["parameters"] == ["act", "lr"]
    assert found["metrics"] == ["/accuracy", "train/loss"]
    assert found["without_events"] == []
