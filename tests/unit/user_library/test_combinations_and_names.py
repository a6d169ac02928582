from __future__ import annotations

import math
import random

import pytest
from hops.experiment import combinations, names, outcome
from hops.experiment.evolution import Evolution
from hops.experiment.records import Direction, State, Trial, best_of


def test_launch_lists_are_zipped():
    assert combinations.zipped({"a": [1, 2], "b": [3, 4]}) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    assert combinations.zipped(None) == [{}]


def test_unequal_lists_are_refused_in_the_known_words():
    with pytest.raises(ValueError, match=r"^Length of each function argument list must be equal$"):
        combinations.zipped({"a": [1], "b": [1, 2]})


def test_more_trials_than_the_limit_are_refused():
    with pytest.raises(ValueError, match="at most 10000"):
        combinations.grid({"a": range(200), "b": range(200)})


def test_random_samples_are_distinct_and_inside():
    found = combinations.random_samples({"n": [1, 3]}, 50, random.Random(1))  # noqa: S311
    assert sorted(sample["n"] for sample in found) == [1, 2, 3]


@pytest.mark.parametrize("boundary", [[1], [2, 1], [1, 1.5], ["a", "b"], [1, 2, 3], [True, False]])
def test_impossible_boundaries_are_refused(boundary):
    with pytest.raises(ValueError, match="'x'"):
        combinations.random_samples({"x": boundary}, 3)


def test_arguments_take_the_order_of_the_signature():
    assert combinations.in_signature_order(lambda b, a: (b, a), ["a", "b"]) == ["b", "a"]


def test_a_positional_only_argument_is_passed_in_its_place():
    def function(a, /, b):
        return a - b

    assert combinations.call(function, {"a": 5, "b": 2}) == 3


@pytest.mark.parametrize("value", ["..", "../x", "/etc/passwd", "a&b=c", "x~2", "é/ü", "\n\0", "%2F"])
def test_a_value_never_leaves_its_folder_name(value):
    name = names.trial_name({"p": value})
    assert name.startswith("p=")
    assert not set(name) & set("/\0\n:~")
    assert name.count("=") == 1


def test_different_long_values_get_different_short_names():
    one, two = (names.trial_name({"p": "ü" * 500 + end}) for end in "ab")
    assert one != two
    assert max(len(one.encode()), len(two.encode())) <= names.MAX_NAME_BYTES


def test_the_same_combination_twice_gets_two_folders():
    assert names.unique_names([{"a": 1}, {"a": 1}]) == ["a=1", "a=1~2"]


def test_the_metric_is_the_named_output():
    outputs = outcome.outputs_of({"loss": 1.5, "accuracy": 2})
    assert outcome.metric_of(outputs, "accuracy", required=True) == 2


def test_a_truth_value_or_a_text_is_no_metric():
    for value in (True, "0.5", [1, 2]):
        with pytest.raises(outcome.MetricError, match="is not one"):
            outcome.metric_of(outcome.outputs_of(value), None, required=True)


def test_numbers_that_json_can_not_hold_survive_as_text():
    assert math.isnan(outcome.metric_of(outcome.outputs_of(math.nan), None, required=True))


def test_a_failed_or_undefined_metric_is_never_the_best():
    trials = [
        Trial(0, {}, "", State.FINISHED, metric=math.nan),
        Trial(1, {}, "", State.FAILED, metric=9.0),
        Trial(2, {}, "", State.FINISHED, metric=1.0),
        Trial(3, {}, "", State.FINISHED, metric=2.0),
    ]
    assert best_of(trials, Direction.MAX).index == 3
    assert best_of(trials, Direction.MIN).index == 2
    assert best_of(trials[:2], Direction.MAX) is None


def test_evolution_finds_the_top_of_a_hill_and_evaluates_nothing_twice():
    seen = []

    def evaluate(members, _generation):
        seen.extend((member["x"], member["k"]) for member in members)
        return [-((member["x"] - 2) ** 2) - member["k"] for member in members]

    Evolution({"x": [-10.0, 10.0], "k": [0, 3]}, Direction.MAX, generations=30, population=12).run(
        evaluate,
        random.Random(3),  # noqa: S311
    )
    best = max(seen, key=lambda member: -((member[0] - 2) ** 2) - member[1])
    assert best[0] == pytest.approx(2, abs=0.2)
    assert best[1] == 0
    assert len(seen) == len(set(seen))
    assert all(-10 <= x <= 10 and k in range(4) for x, k in seen)


def test_a_population_that_can_not_be_mixed_is_refused():
    with pytest.raises(ValueError, match="at least 4"):
        Evolution({"x": [0, 1]}, Direction.MAX, population=3)
