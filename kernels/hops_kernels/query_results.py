"""Results of ``%%sql`` carry their rows beside the table that pandas draws, for the charts of the Lab extension."""

from __future__ import annotations

import weakref
from typing import Any

from hops_kernels.table_output import MAX_ROWS, TABLE_MIME_TYPE, table_content

_FRAMES = (("pandas.core.frame", "DataFrame"), ("pandas", "DataFrame"))
"""Module and name of pandas' class, before and since pandas 3; named, because importing it takes long."""


class QueryResults:
    """Knows which data frames are results of queries, as long as they live.

    Other data frames of ``%%local`` cells are shown as ever: their index may matter, and they may be large.
    """

    def __init__(self) -> None:
        self._known: list[tuple[weakref.ref[Any], int | None]] = []

    def remember(self, frame: Any, *, row_limit: int | None) -> None:
        """Takes ``frame`` for a result that may have at most ``row_limit`` rows."""
        alive = [(known, limit) for known, limit in self._known if known() is not None]
        reached = row_limit is not None and len(frame) >= row_limit
        self._known = [*alive, (weakref.ref(frame), row_limit if reached else None)]

    def bundle(self, frame: Any) -> dict[str, Any] | None:
        """What is shown of a frame beside its text and its HTML: its rows, if it is a result."""
        for known, row_limit in self._known:
            if known() is frame:
                return {TABLE_MIME_TYPE: content_of(frame, row_limit=row_limit)}
        return None

    def register(self, formatter: Any) -> None:
        """Has IPython's ``formatter`` of MIME bundles ask for each data frame."""
        for module, name in _FRAMES:
            formatter.for_type_by_name(module, name, self.bundle)


def content_of(frame: Any, *, row_limit: int | None) -> dict[str, Any]:
    """The table of a pandas data frame; its index is not part of it."""
    head = frame.iloc[:MAX_ROWS]
    return table_content(
        list(frame.columns),
        [head.iloc[:, place].tolist() for place in range(frame.shape[1])],
        total_rows=len(frame),
        row_limit=row_limit,
    )
