"""The rows of a query's result as a notebook keeps them for the table and the charts of the Lab extension.

The content of ``application/vnd.hops.table.v1+json``::

    {"columns": [{"name": "city", "kind": "text"}, {"name": "rain_mm", "kind": "number"}],
     "rows": [["Bergen", 12.5], ["Oslo", null]],
     "total_rows": 2, "total_columns": 2, "row_limit": null}

========================  =============================================================================================
``kind``                  what the values of the column are, beside null
========================  =============================================================================================
``number``                numbers; as text where a JSON number would lose digits (decimals, integers beyond 2**53)
``boolean``               true and false
``time``                  ISO 8601: ``2026-01-31``, ``2026-01-31T08:00:00``; where zones are known, in UTC with a ``Z``
``text``                  text; lists and objects as JSON
========================  =============================================================================================

``total_rows`` and ``total_columns`` count what the result has, of which ``rows`` and ``columns`` may hold less.
``row_limit`` is the number of rows at which the query itself was cut, null where it was not.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

TABLE_MIME_TYPE = "application/vnd.hops.table.v1+json"
MAX_ROWS = 2500
MAX_COLUMNS = 200
MAX_BYTES = 2 * 1024 * 1024
"""Of the rows as JSON: each saved notebook carries them."""
MAX_TEXT = 4096
"""Characters of one value; what comes after is cut off, with an ellipsis."""

_EXACT = 2**53
_MISSING = frozenset({"NAType", "NaTType"})
"""Names of pandas' own types for what is missing: it is not imported for that."""

Value = str | float | bool | None


def table_content(
    names: Sequence[object],
    columns: Sequence[Sequence[object]],
    *,
    total_rows: int | None = None,
    row_limit: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> dict[str, Any]:
    """The content for a result.

    Args:
        names: A name for each column; the same one may come twice.
        columns: The values of each column, all equally many.
        total_rows: How many rows the result has, where ``columns`` does not hold all.
        row_limit: At how many rows the query was cut.
        max_bytes: As many whole rows are taken as take no more room than this as JSON.
    """
    held = len(columns[0]) if columns else 0
    shown = [column_values(column[:MAX_ROWS]) for column in columns[:MAX_COLUMNS]]
    rows: list[list[Value]] = []
    left = max_bytes
    for row in zip(*(values for _, values in shown), strict=True):
        left -= len(json.dumps(row, ensure_ascii=False, allow_nan=False).encode())
        if left < 0:
            break
        rows.append(list(row))
    return {
        "columns": [
            {"name": _text(name), "kind": kind} for name, (kind, _) in zip(names, shown, strict=False)
        ],
        "rows": rows,
        "total_rows": held if total_rows is None else total_rows,
        "total_columns": len(columns),
        "row_limit": row_limit,
    }  # fmt: skip


def column_values(column: Sequence[object]) -> tuple[str, list[Value]]:
    """The kind of a column, and its values as JSON can hold them; what is missing, not a number or infinite is null."""
    values = [_plain(value) for value in column]
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool) for value in there):
        return "boolean", [None if value is None else bool(value) for value in values]
    if there and all(isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in there):
        return "number", [_number(value) for value in values]
    if there and all(isinstance(value, dt.date) for value in there):
        return "time", _times(values)
    return "text", [None if value is None else _text(value) for value in values]


def _plain(value: Any) -> Any:
    """``value`` without numpy's types, ``None`` where it is missing."""
    if value is None or type(value).__name__ in _MISSING:
        return None
    if type(value).__module__ == "numpy":
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return value


def _number(value: Any) -> Value:
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > _EXACT):
        return str(value)
    return None if value is None else value + 0  # a subclass, such as an enumeration's member, becomes a number


def _times(values: Sequence[Any]) -> list[Value]:
    moments = [
        value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo is not None else value
        for value in values
    ]
    if all(_is_day(moment) for moment in moments if moment is not None):
        return [None if moment is None else moment.isoformat()[:10] for moment in moments]
    return [None if moment is None else moment.isoformat().replace("+00:00", "Z") for moment in moments]


def _is_day(moment: dt.date) -> bool:
    if not isinstance(moment, dt.datetime):
        return True
    return moment.tzinfo is None and moment.time() == dt.time.min and not getattr(moment, "nanosecond", 0)


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # keys that are no text, a list that holds itself
        return str(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes | bytearray | memoryview):
        text = "0x" + bytes(value[: MAX_TEXT // 2 + 1]).hex()
    else:
        text = _json(value) if isinstance(value, dict | list | tuple) else str(value)
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1] + "…"
    return text.encode("utf-8", "replace").decode()  # half characters can't be sent
