"""What calls of experiments tell before anything runs, and what completion offers."""

from __future__ import annotations

import pytest
from hops import experiment


def train(learning_rate, dropout=0.5):
    return learning_rate * dropout


@pytest.mark.parametrize(
    "start",
    [
        lambda: experiment.launch(train, {"learning_rat": [1, 2]}),
        lambda: experiment.grid_search(train, {"learning_rat": [1, 2]}),
        lambda: experiment.random_search(train, {"learning_rat": [1, 2]}),
        lambda: experiment.differential_evolution(train, {"learning_rat": [1, 2]}),
        lambda: experiment.evolutionary_search(train, {"learning_rat": [1, 2]}),
    ],
)
def test_a_misspelt_argument_is_told_before_spark_is_looked_for(without_spark, start):
    with pytest.raises(TypeError, match=r"train\(learning_rate, dropout\) takes no argument 'learning_rat'"):
        start()


def test_an_argument_left_out_is_told_before_spark_is_looked_for(without_spark):
    with pytest.raises(TypeError, match="needs values for 'learning_rate'"):
        experiment.launch(train)


def test_what_is_no_function_is_told_as_such(without_spark):
    with pytest.raises(TypeError, match="A function to train with is needed, not str"):
        experiment.launch("train", {"learning_rate": [1]})


def test_well_named_arguments_come_as_far_as_spark(without_spark):
    with pytest.raises(RuntimeError, match="Spark"):
        experiment.grid_search(train, {"learning_rate": [1]})


def test_completion_offers_the_public_names_only():
    assert dir(experiment) == sorted(experiment.__all__)
