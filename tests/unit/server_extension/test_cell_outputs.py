"""What a statement wrote, as a notebook holds it."""

from __future__ import annotations

import pytest
from jupyterlab_hops.cell_outputs import newest_of_each_cell, notebook_outputs, session_of

BUNDLE = {"data": {"text/plain": "42"}, "metadata": {}}
DAYS = "Jupyter/days.ipynb"


def sessions(*states):
    """Sessions of one notebook in ``states``, newest first; the newest has the number 9."""
    return [{"id": 9 - index, "own": True, "notebook": DAYS, "state": state} for index, state in enumerate(states)]


@pytest.mark.parametrize(
    ("items", "session"),
    [
        (sessions("busy", "idle"), 9),
        (sessions("dead", "killed", "idle"), 7),
        (sessions("dead", "killed"), 9),
        (sessions("shutting_down"), 9),
        (sessions(), None),
        ([{"id": 9, "own": True, "notebook": "Jupyter/nights.ipynb", "state": "idle"}], None),
        ([{"id": 9, "own": False, "notebook": DAYS, "state": "idle"}], None),
    ],
)
def test_the_session_of_a_notebook_is_the_newest_that_lives_else_the_newest_that_ended(items, session):
    assert session_of(DAYS, items) == session


def test_a_cell_whose_driver_died_has_what_it_wrote_and_the_reason():
    reason = "SessionEnded: The driver ran out of memory."
    written = [{"type": "stream", "content": {"name": "stdout", "text": "half of it"}}]
    ended = {
        "id": 7, "cell": 4, "cell_id": "a", "code": "train()", "state": "error", "completed": 1_800_000_000_000,
        "output": {
            "status": "error", "ename": "SessionEnded", "evalue": reason, "traceback": [], "outputs": written,
        },
    }  # fmt: skip
    (cell,) = newest_of_each_cell([ended])
    assert (cell["running"], cell["completed"]) == (False, 1_800_000_000)
    assert notebook_outputs(ended) == [
        {"output_type": "stream", "name": "stdout", "text": "half of it"},
        {
            "output_type": "error", "ename": "SessionEnded", "evalue": "The driver ran out of memory.", "traceback": [],
        },
    ]  # fmt: skip


def test_each_message_becomes_an_output_and_an_error_is_the_last():
    statement = {
        "cell": 4,
        "output": {
            "status": "error", "ename": "ValueError", "evalue": "ValueError: no", "traceback": ["a\n", "b\n"],
            "outputs": [
                {"type": "stream", "content": {"name": "stdout", "text": "x"}},
                {"type": "display_data", "content": {**BUNDLE, "transient": {"display_id": "d"}}},
                {"type": "display_data", "content": {"data": {}}},
                {"type": "execute_result", "content": {**BUNDLE, "execution_count": 99}},
                {"type": "unheard_of", "content": {}},
            ],
        },
    }  # fmt: skip
    assert notebook_outputs(statement) == [
        {"output_type": "stream", "name": "stdout", "text": "x"},
        {"output_type": "display_data", **BUNDLE},
        {"output_type": "execute_result", "execution_count": 4, **BUNDLE},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]},
    ]


def test_a_statement_that_waits_has_none():
    assert notebook_outputs({"output": None}) == []
