"""Which part of a cell runs where, and what completion says of it without asking anyone."""

from __future__ import annotations

import builtins
import keyword
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

_TYPES = "_jupyter_types_experimental"
_MAGIC = re.compile(r"\s*(?P<sign>%%?)(?P<name>\w+)")
_MAGIC_BEING_TYPED = re.compile(r"\s*(?P<word>%%?\w*)")
INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")
"""What installs packages, as a magic and as a command."""
_INSTALLATION = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*!+[ \t]*(?:\S+[ \t]+-m[ \t]+)?"
    rf"(?P<installer>{'|'.join(INSTALLERS)})[\d.]*[ \t]+(?:pip[ \t]+)?(?:install|add|update|upgrade)\b"
)
_NAME_BEING_TYPED = re.compile(r"(?<![\w.'\"])(?P<name>[^\W\d]\w*)$")


class Place(Enum):
    """Where a cell's code runs."""

    SESSION = "session"
    HERE = "here"
    NEITHER = "neither"
    """It is no Python, or there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a cell that the cursor is in.

    Attributes:
        place: Where it runs.
        code: The part without the line of its magic.
        cursor: Index into ``code``, in characters.
        offset: Where the part begins in the cell.
        magic: The magic's name that is being typed, with its signs, on the cell's first line.
    """

    place: Place
    code: str
    cursor: int
    offset: int = 0
    magic: str | None = None


def part_at(cell: str, cursor: int, *, in_session: frozenset[str]) -> Part:
    """The part of ``cell`` at ``cursor``.

    Args:
        cell: The whole cell.
        cursor: Index into it, in characters.
        in_session: Magics about code of the session, which run there.
    """
    blank = len(cell) - len(cell.lstrip())
    first = cell.rfind("\n", 0, blank) + 1
    end = cell.find("\n", first)
    line = cell[first:] if end < 0 else cell[first:end]
    magic = _MAGIC.match(line)
    if first <= cursor <= first + len(line):
        typed = _MAGIC_BEING_TYPED.fullmatch(line[: cursor - first])
        if typed is not None:
            return Part(Place.HERE, cell, cursor, magic=typed["word"])
    if magic is None:
        return Part(Place.SESSION, cell, cursor)
    if magic["name"] == "local":
        place = Place.HERE
    elif magic["name"] in {"spark", *in_session}:
        place = Place.SESSION
    else:
        place = Place.NEITHER
    begin = first + len(line) + 1
    if cursor >= begin:
        return Part(place, cell[begin:], cursor - begin, begin)
    # ``%time code`` and ``%local code`` have code on their own line; options of other magics are not completed.
    begin = first + magic.end()
    if magic["sign"] == "%%" or cursor <= begin:
        return Part(Place.NEITHER, cell, cursor)
    return Part(place, cell[begin:], cursor - begin, begin)


def installer_of(cell: str) -> str | None:
    """What the cell would install packages with by a command of the shell, on its first line of code, if it does."""
    installation = _INSTALLATION.match(cell)
    return None if installation is None else installation["installer"]


def nothing(cursor: int) -> dict[str, Any]:
    """A ``complete_reply`` without words."""
    return {"status": "ok", "matches": [], "cursor_start": cursor, "cursor_end": cursor, "metadata": {}}


def words(matches: list[str], *, kind: str, start: int, end: int) -> dict[str, Any]:
    """A ``complete_reply`` with words of one kind."""
    types = [{"start": start, "end": end, "text": match, "type": kind, "signature": ""} for match in matches]
    return {
        "status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {_TYPES: types},
    }  # fmt: skip


def shifted(reply: dict[str, Any], offset: int) -> dict[str, Any]:
    """A ``complete_reply`` about a part of a cell, as one about the cell."""
    metadata = dict(reply.get("metadata") or {})
    if isinstance(metadata.get(_TYPES), list):
        metadata[_TYPES] = [
            {**item, "start": item.get("start", 0) + offset, "end": item.get("end", 0) + offset}
            for item in metadata[_TYPES]
        ]
    return {
        **reply,
        "cursor_start": reply["cursor_start"] + offset,
        "cursor_end": reply["cursor_end"] + offset,
        "metadata": metadata,
    }


def complete_language(code: str, cursor: int) -> dict[str, Any]:
    """Python's own words, for a cell whose session is not there yet."""
    typed = _NAME_BEING_TYPED.search(code[:cursor].rpartition("\n")[2])
    if typed is None:
        return nothing(cursor)
    known = {*keyword.kwlist, *(name for name in dir(builtins) if not name.startswith("_"))}
    matches = sorted(name for name in known if name.startswith(typed["name"]))
    return words(matches, kind="keyword", start=cursor - len(typed["name"]), end=cursor)


def complete_magic(part: Part, names: dict[str, list[str]], in_session: frozenset[str]) -> dict[str, Any]:
    """Names of magics.

    Args:
        part: Where the name is being typed.
        names: This kernel's magics: names by ``line`` and ``cell``.
        in_session: Magics that run in the session; as line magics they are known there.
    """
    typed = part.magic or ""
    cells = {f"%%{name}" for name in names["cell"]}
    lines = {f"%{name}" for name in (*names["line"], *in_session)}
    matches = sorted(name for name in cells | lines if name.startswith(typed) and not name.lstrip("%").startswith("_"))
    return words(matches, kind="magic", start=part.cursor - len(typed), end=part.cursor)
