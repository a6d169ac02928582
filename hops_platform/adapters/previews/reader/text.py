"""Text, and what is written as text: CSV and JSON."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
from typing import BinaryIO

from hops_platform.adapters.previews.reader.shown import (
    MOST_COLUMNS,
    MOST_READ,
    Budget,
    Shown,
    UnreadableError,
    nothing,
)

_LOOKED_AT = 8192
_SEPARATORS = ",;\t|"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(file: BinaryIO, budget: Budget) -> Shown:
    """The beginning of a text."""
    text, whole = beginning(file)
    return {"kind": "text", "text": budget.take(text), "cut": budget.cut or not whole}


def beginning(file: BinaryIO, most: int = MOST_READ) -> tuple[str, bool]:
    """The beginning of a file as text, and whether that is all of it.

    Raises:
        UnreadableError: It is no text.
    """
    data = file.read(most)
    whole = os.fstat(file.fileno()).st_size <= len(data)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), whole
    if b"\x00" in data[:_LOOKED_AT]:
        raise UnreadableError("This is no text, and nothing else that can be shown here.")
    return data.decode(errors="replace"), whole


def read_json(file: BinaryIO, budget: Budget) -> Shown:
    """JSON, indented where all of it can be read; else as it stands there."""
    text, whole = beginning(file)
    if whole:
        try:
            value = json.loads(text)
            # Piece by piece: what is nested deeply is far longer when it is indented.
            shown: list[str] = []
            for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
                shown.append(budget.take(piece))
                if budget.spent:
                    budget.cut = True
                    break
            return {"kind": "text", "text": "".join(shown), "cut": budget.cut}
        except (ValueError, RecursionError):
            budget = Budget(budget.left)
    return {"kind": "text", "text": budget.take(text), "cut": budget.cut or not whole}


def read_csv(file: BinaryIO, budget: Budget, rows: int) -> Shown:
    """A table with the first line as its head."""
    text, whole = beginning(file)
    if not text:
        return nothing("The file is empty.")
    if not whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    first = text[:_LOOKED_AT].partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    lines: list[list[str | None]] = []
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if len(lines) > rows or budget.spent:
                whole = False
                break
            budget.cut = budget.cut or len(line) > MOST_COLUMNS
            lines.append([budget.cell(cell) for cell in line[:MOST_COLUMNS]])
    except csv.Error:
        return {"kind": "text", "text": budget.take(text), "cut": True}
    head = [{"name": name or "", "type": ""} for name in (lines[0] if lines else [])]
    return {"kind": "table", "columns": head, "rows": lines[1:], "cut": budget.cut or not whole}
