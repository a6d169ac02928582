"""Values as the table of Livy's magic ``%table``."""

from __future__ import annotations

from typing import Any

TABLE = "application/vnd.livy.table.v1+json"
"""The MIME type of such a table."""


def table(value: Any) -> dict[str, Any]:
    """``value`` as headers and rows; a column has one type.

    Args:
        value: Rows in JSON's own types: a list of objects, of lists or of single values, or one of them.

    Raises:
        TypeError: A column, or the items of a value in it, have several types.
    """
    headers: dict[str, str] = {}
    rows = []
    for row in value if isinstance(value, list) else [value]:
        cells = _cells(row)
        for name, cell in cells.items():
            kind = _kind(cell)
            if headers.setdefault(name, kind) != kind:
                raise TypeError("table rows have different types")
        rows.append(list(cells.values()))
    return {"headers": [{"type": kind, "name": name} for name, kind in headers.items()], "data": rows}


def _cells(row: Any) -> dict[str, Any]:
    if isinstance(row, dict):
        return {str(name): cell for name, cell in row.items()}
    if isinstance(row, list):
        return {str(number): cell for number, cell in enumerate(row)}
    return {"0": row}


def _kind(cell: Any) -> str:
    if cell is None:
        return "NULL_TYPE"
    if isinstance(cell, list | dict):
        items = cell if isinstance(cell, list) else list(cell.values())
        if len({_kind(item) for item in items}) > 1:
            raise TypeError("table rows have different types")
        return "ARRAY_TYPE" if isinstance(cell, list) else "MAP_TYPE"
    kinds = {bool: "BOOLEAN_TYPE", int: "BIGINT_TYPE", float: "DOUBLE_TYPE"}
    return kinds.get(type(cell), "STRING_TYPE")
