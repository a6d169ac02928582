"""The table that a result shows of itself."""

from __future__ import annotations

import re

import pytest
from hops.experiment.records import State, Trial
from hops.experiment.result import Run


def trial(index, outputs, metric=None):
    one = Trial(index, {"lr": index}, f"Experiments/run_1/lr={index}")
    one.state, one.seconds, one.outputs, one.metric = State.FINISHED, 1.0, outputs, metric
    return one


def titles(run):
    return re.findall(r'<th scope="col">(.*?)</th>', run.to_html())


@pytest.mark.parametrize(
    ("outputs", "metric", "expected"),
    [
        ({"accuracy": 0.51234567, "loss": 2, "log": "x/output.log", "ok": True}, None, ["accuracy", "loss"]),
        ({"metric": 1.0}, 1.0, ["metric"]),
        ({"metric": 1.0, "loss": 0.5}, 1.0, ["metric", "loss"]),
        ({}, None, []),
        ({f"n{number:02}": number for number in range(20)}, None, [f"n{number:02}" for number in range(8)]),
    ],
)
def test_numbers_among_the_outputs_are_columns(outputs, metric, expected):
    run = Run("/p/run_1", "Experiments/run_1", [trial(1, outputs, metric)])
    assert titles(run) == ["lr", *expected, "state", "seconds", "log"]


def test_the_metric_has_one_column_under_its_own_name():
    run = Run("/p/run_1", "Experiments/run_1", [trial(1, {"acc": 0.51234567}, 0.51234567)], metric_key="acc")
    assert titles(run) == ["lr", "acc", "state", "seconds", "log"]
    assert "<td>0.512346</td>" in run.to_html()


def test_the_experiments_name_stands_above_and_is_escaped():
    assert (
        "<strong>&lt;b&gt;</strong> <code>Experiments/run_1</code>"
        in Run("", "Experiments/run_1", [], name="<b>").to_html()
    )
    assert "<strong>" not in Run("", "Experiments/run_1", []).to_html()
