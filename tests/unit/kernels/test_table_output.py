"""What a notebook keeps of a query's result."""

from __future__ import annotations

import datetime as dt
import enum
import gc
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hops_kernels.query_results import QueryResults, content_of
from hops_kernels.table_output import MAX_COLUMNS, MAX_ROWS, MAX_TEXT, TABLE_MIME_TYPE, column_values, table_content
from IPython.core.formatters import DisplayFormatter

AGREED = Path(__file__).parents[2] / "contract" / "kernels" / "table.json"
DAY = dt.date(2026, 1, 31)
NOON = dt.datetime.fromisoformat("2026-01-31T12:00:00")
EAST = dt.timezone(dt.timedelta(hours=2))


class Size(enum.IntEnum):
    LARGE = 3


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        ([1, 2.5, None], "number", [1, 2.5, None]),
        ([1.0, float("nan"), float("inf"), -float("inf")], "number", [1.0, None, None, None]),
        ([2**53, 2**53 + 1, -(2**60)], "number", [2**53, "9007199254740993", "-1152921504606846976"]),
        ([Decimal("1.10"), Decimal("NaN"), Decimal("sNaN"), 2], "number", ["1.10", None, None, 2]),
        ([np.int64(3), np.float64("nan"), Size.LARGE], "number", [3, None, 3]),
        ([True, None, np.bool_(0)], "boolean", [True, None, False]),
        ([True, 1], "text", ["True", "1"]),
        ([DAY, None, pd.NaT], "time", ["2026-01-31", None, None]),
        ([pd.Timestamp(DAY), pd.NaT], "time", ["2026-01-31", None]),
        ([NOON, DAY], "time", ["2026-01-31T12:00:00", "2026-01-31"]),
        ([NOON.replace(tzinfo=EAST)], "time", ["2026-01-31T10:00:00Z"]),
        ([dt.datetime(2026, 1, 31, tzinfo=dt.UTC)], "time", ["2026-01-31T00:00:00Z"]),
        ([pd.Timestamp("2026-01-31T08:00:00.5", tz="Europe/Oslo")], "time", ["2026-01-31T07:00:00.500000Z"]),
        (["a", None, pd.NA, "<b>"], "text", ["a", None, None, "<b>"]),
        (["a", 1, NOON], "text", ["a", "1", "2026-01-31 12:00:00"]),
        ([b"\x00\xff", bytearray(b"a")], "text", ["0x00ff", "0x61"]),
        ([{"a": [1, "ø"]}, [DAY], {(1, 2): 3}], "text", ['{"a": [1, "ø"]}', '["2026-01-31"]', "{(1, 2): 3}"]),
        ([np.array([1, 2])], "text", ["[1, 2]"]),
        (["half \ud800"], "text", ["half ?"]),
        ([None, float("nan")], "text", [None, None]),
        ([], "text", []),
    ],
)  # fmt: skip
def test_a_columns_kind_and_its_values_as_json_can_hold_them(column, kind, values):
    assert column_values(column) == (kind, values)
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_long_text_is_cut_with_an_ellipsis():
    _, (text, data) = column_values(["x" * (MAX_TEXT + 1), b"\x00" * MAX_TEXT])
    assert (len(text), text[-1], len(data), data[-1]) == (MAX_TEXT, "…", MAX_TEXT, "…")


def test_the_whole_content():
    assert table_content(["city", "rain"], [["Bergen", "Oslo"], [12.5, None]]) == {
        "columns": [{"name": "city", "kind": "text"}, {"name": "rain", "kind": "number"}],
        "rows": [["Bergen", 12.5], ["Oslo", None]],
        "total_rows": 2,
        "total_columns": 2,
        "row_limit": None,
    }


def test_what_the_lab_extension_reads_is_what_is_written():
    agreed = json.loads(AGREED.read_text())
    times = agreed["names"].index("day")
    agreed["columns"][times] = [
        dt.date.fromisoformat("2026-01-31"), dt.datetime.fromisoformat("2026-02-01T08:00:00+02:00"), None,
    ]  # fmt: skip
    assert table_content(agreed["names"], agreed["columns"]) == agreed["content"]


def test_names_may_repeat_and_need_not_be_text():
    content = table_content(["a", "a", 7, ("x", "y"), None, "\udc00"], [[1]] * 6)
    names = [column["name"] for column in content["columns"]]
    assert names == ["a", "a", "7", '["x", "y"]', "None", "?"]
    assert content["rows"] == [[1] * 6]


@pytest.mark.parametrize(
    ("frame", "columns"), [(pd.DataFrame(), []), (pd.DataFrame({"a": []}), [{"name": "a", "kind": "text"}])]
)
def test_a_result_without_columns_or_rows_is_a_table_too(frame, columns):
    content = content_of(frame, row_limit=None)
    assert (content["columns"], content["rows"], content["total_rows"]) == (columns, [], 0)


def test_rows_columns_and_bytes_are_bounded_and_what_there_is_is_told():
    frame = pd.DataFrame({"n": range(MAX_ROWS + 10)})
    content = content_of(frame, row_limit=None)
    assert (len(content["rows"]), content["total_rows"]) == (MAX_ROWS, MAX_ROWS + 10)
    wide = table_content(list(range(MAX_COLUMNS + 1)), [[1]] * (MAX_COLUMNS + 1))
    assert (len(wide["columns"]), len(wide["rows"][0]), wide["total_columns"]) == (
        MAX_COLUMNS, MAX_COLUMNS, MAX_COLUMNS + 1,
    )  # fmt: skip
    heavy = table_content(["text"], [["ø" * 10] * 9], max_bytes=100)
    assert (len(heavy["rows"]), heavy["total_rows"]) == (4, 9)
    assert table_content(["text"], [["ø" * 99]], max_bytes=100)["rows"] == []


def test_columns_of_one_name_are_told_apart_by_their_place():
    frame = pd.DataFrame([[1, "x"]], columns=["a", "a"])
    assert content_of(frame, row_limit=None)["rows"] == [[1, "x"]]


def test_the_result_of_a_query_is_one_bundle_of_text_html_and_rows():
    formatter, results = DisplayFormatter(), QueryResults()
    results.register(formatter.mimebundle_formatter)
    frame = pd.DataFrame({"n": [1, 2]})
    results.remember(frame, row_limit=2)
    bundle, _ = formatter.format(frame)
    assert set(bundle) == {"text/plain", "text/html", TABLE_MIME_TYPE}
    assert (bundle[TABLE_MIME_TYPE]["rows"], bundle[TABLE_MIME_TYPE]["row_limit"]) == ([[1], [2]], 2)


def test_a_data_frame_that_is_no_result_is_shown_as_ever():
    formatter, results = DisplayFormatter(), QueryResults()
    results.register(formatter.mimebundle_formatter)
    frame = pd.DataFrame({"n": [1]})
    results.remember(frame, row_limit=None)
    bundle, _ = formatter.format(frame.copy())
    assert set(bundle) == {"text/plain", "text/html"}


def test_a_query_that_stayed_below_its_limit_was_not_cut():
    results = QueryResults()
    short, endless = pd.DataFrame({"n": [1]}), pd.DataFrame({"n": [1]})
    results.remember(short, row_limit=2)
    results.remember(endless, row_limit=None)
    assert results.bundle(short)[TABLE_MIME_TYPE]["row_limit"] is None
    assert results.bundle(endless)[TABLE_MIME_TYPE]["row_limit"] is None


def test_results_are_not_kept_alive():
    results = QueryResults()
    results.remember(pd.DataFrame({"n": [1]}), row_limit=None)
    gc.collect()
    results.remember(pd.DataFrame({"n": [2]}), row_limit=None)
    assert len(results._known) == 1
