"""Which session a notebook finds again, and what is said of it."""

from __future__ import annotations

import pytest
from hops_kernels.left_sessions import (
    answer,
    described,
    left_by_this_notebook,
    missed,
    named,
    question,
    used_elsewhere,
)
from hops_kernels.preferences import Reattach, keep_reattach, read_reattach

NOW = 1795400000.0
MINE = {
    "id": 7, "kind": "pyspark", "state": "idle", "kernel": "old", "notebook": "Jupyter/days.ipynb", "name": "x",
    "idle_since": NOW - 125, "heard": NOW - 400, "statements": 3, "last_statement": {"line": "days.count()"},
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "dead"}, {"state": "shutting_down"}, {"kind": "spark"}, {"notebook": "Jupyter/else.ipynb"},
        {"notebook": None}, {"kernel": "mine"},
    ],
)  # fmt: skip
def test_only_a_living_session_of_the_same_notebook_and_kind_from_another_kernel_is_found(changed):
    wanted = {"kind": "pyspark", "notebook": "Jupyter/days.ipynb", "kernel": "mine"}
    assert left_by_this_notebook([MINE | changed, MINE], **wanted) is MINE
    assert left_by_this_notebook([MINE | changed], **wanted) is None
    assert left_by_this_notebook([MINE], **wanted | {"notebook": None}) is None


def test_a_session_is_named_by_its_number_or_its_name():
    assert named([MINE], "7") is named([MINE], "007") is named([MINE], "x") is MINE
    assert named([MINE], "8") is None


@pytest.mark.parametrize(
    ("changed", "other"),
    [
        ({"notebook": "Jupyter/a.ipynb", "heard": NOW - 20}, "Jupyter/a.ipynb"),
        ({"notebook": None, "heard": NOW - 20}, "another notebook"),
        ({"notebook": "Jupyter/a.ipynb", "heard": NOW - 90}, None),
        ({"notebook": "Jupyter/a.ipynb", "heard": NOW - 20, "kernel": None}, None),
        ({"heard": NOW - 20}, None),
    ],
)
def test_a_session_counts_as_shared_when_another_notebooks_kernel_was_heard_of_a_moment_ago(changed, other):
    assert used_elsewhere(MINE | changed, notebook="Jupyter/days.ipynb", kernel="new", now=NOW) == other


def test_it_is_described_by_state_statements_and_the_last_line():
    assert described(MINE, NOW) == "idle for 2 min, 3 statements; last: `days.count()`"
    assert described({"state": "busy", "statements": 1}, NOW) == "a cell runs, 1 statement"
    assert "idle for 2.0 h" in described(MINE | {"idle_since": NOW - 7200}, NOW)
    assert question(MINE, NOW).startswith("Spark session 7 of this notebook is still running (idle for 2 min")


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("", (True, None)), (" Yes ", (True, None)), ("n", (False, None)), ("A", (True, Reattach.ALWAYS)),
        ("v", (False, Reattach.NEVER)), ("maybe", None),
    ],
)  # fmt: skip
def test_an_answer_is_understood_or_asked_for_again(text, understood):
    assert answer(text) == understood


def test_of_what_was_missed_each_cell_has_a_line_and_queries_have_none():
    statements = [
        {"cell": None, "code": "SELECT 1", "state": "available"},
        {"cell": 3, "code": "\n\nlong()\nmore()", "state": "available", "output": {"status": "ok"}},
        {"cell": 4, "code": "x" * 100, "state": "available", "output": {"status": "error"}},
        {"cell": 5, "code": "work()", "state": "running"},
    ]
    assert missed(statements) == ["[3] long(): done", f"[4] {'x' * 80}…: failed", "[5] work(): still runs"]


def test_a_wish_is_kept_for_its_owner_alone_and_a_spoilt_file_means_ask(tmp_path):
    assert read_reattach(tmp_path) is Reattach.ASK
    keep_reattach(tmp_path, Reattach.ALWAYS)
    assert read_reattach(tmp_path) is Reattach.ALWAYS
    (file,) = (tmp_path / ".config" / "hops").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    for spoilt in ("", "[]", '{"reattach": "often"}', '{"reattach": 1}'):
        file.write_text(spoilt)
        assert read_reattach(tmp_path) is Reattach.ASK
