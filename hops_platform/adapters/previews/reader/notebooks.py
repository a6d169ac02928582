"""Notebooks: the text of their cells, and of what came out of them. No picture, no HTML, no script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, BinaryIO

from hops_platform.adapters.previews.reader.shown import Budget, Shown, UnreadableError, nothing
from hops_platform.adapters.previews.reader.text import beginning

_MOST_OF_NOTEBOOK = 10 * 1024 * 1024
_MOST_CELLS = 500
_KINDS = frozenset(("code", "markdown", "raw"))
# Colours of terminals.
_ESCAPES = re.compile("\x1b\\[[0-9;]{0,20}[A-Za-z]")


def read_notebook(file: BinaryIO, budget: Budget) -> Shown:
    """The cells of a notebook.

    Raises:
        UnreadableError: It is no notebook.
    """
    text, whole = beginning(file, _MOST_OF_NOTEBOOK)
    if not whole:
        return nothing(f"Notebooks of more than {_MOST_OF_NOTEBOOK // 2**20} MiB have no preview.")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("This is no notebook; it may be broken.") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise UnreadableError("This is no notebook of a kind that can be shown (version 4).")
    shown: list[Shown] = []
    for cell in cells:
        if len(shown) == _MOST_CELLS or budget.spent:
            budget.cut = True
            break
        if isinstance(cell, dict) and cell.get("cell_type") in _KINDS:
            shown.append(_cell(cell, budget))
    return {"kind": "notebook", "cells": shown, "cut": budget.cut}


def _cell(cell: dict[str, Any], budget: Budget) -> Shown:
    source = budget.take(_joined(cell.get("source")))
    found = cell.get("outputs")
    outputs = [budget.take(text) for text in _outputs(found if isinstance(found, list) else [])]
    return {"kind": cell["cell_type"], "text": source, "outputs": [text for text in outputs if text]}


def _outputs(outputs: Iterable[Any]) -> Iterable[str]:
    for output in outputs:
        if not isinstance(output, dict):
            continue
        kind, data = output.get("output_type"), output.get("data")
        if kind == "stream":
            yield _ESCAPES.sub("", _joined(output.get("text")))
        elif kind == "error":
            yield f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
        elif isinstance(data, dict):
            yield _joined(data.get("text/plain"))


def _joined(text: object) -> str:
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""
