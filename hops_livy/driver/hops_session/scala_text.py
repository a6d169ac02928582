"""Scala code and the interpreter's words, as text: statements, errors, the stream of what is printed."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_COMPILE_ERROR = re.compile(r"^\s*(?:On line \d+: |<[a-z]+>:\d+: )?error: (.*)$", re.MULTILINE)
_EXCEPTION = re.compile(r"^([\w$.]+)(?:: (.*))?$")
_INNER_FRAME = re.compile(r"^\s+at (?:org\.apache\.spark|scala|java|jdk|sun)[.\w]*[./$]")
_FRAMES_KEPT = 20
_NAME = re.compile(r"[^\W\d]\w*")
_BEGUN = re.compile(r"(?<!\w)[^\W\d]\w*\Z")
_REST = re.compile(r"\w*")
_MADE = re.compile(r"\bnew\s+[\w.]*\Z")
_KEYWORD = re.compile(
    "abstract|case|catch|class|def|do|else|extends|false|final|finally|for|forSome|if|implicit|import|lazy|macro|match|"
    "new|null|object|override|package|private|protected|return|sealed|super|this|throw|trait|try|true|type|val|var|"
    "while|with|yield"
)
_DEFINITIONS = frozenset({"ClassDef", "ModuleDef", "DefDef", "TypeDef"})


class ScalaError(Exception):
    """Scala code that can't be compiled or has failed. Its class carries the name of what was thrown."""

    lines: Sequence[str] = ()

    def _render_traceback_(self) -> list[str]:
        return list(self.lines)


def scala_error(text: str, code: str) -> ScalaError:
    """The error that the interpreter told in ``text`` of ``code``: its name, its message, and all lines to show."""
    lines = text.rstrip("\n").split("\n")
    refused = _COMPILE_ERROR.search(text)
    if refused is not None:
        if "\n" not in code.strip("\n"):
            # Of a single line the interpreter shows the place alone, as if the line stood at its prompt above.
            lines = [f"       {code.strip()}", *lines]
        return named_error("Error", refused[1], lines)
    found = _EXCEPTION.match(lines[0])
    if found is None:
        return named_error("Error", lines[0], lines)
    return named_error(found[1], found[2] or "", shortened(lines))


def shortened(lines: Sequence[str]) -> list[str]:
    """``lines`` of Java's stack; of many those that lie inside of Spark and of Scala's and Java's own are left out."""
    if len(lines) <= _FRAMES_KEPT:
        return list(lines)
    kept = [line for line in lines if not _INNER_FRAME.match(line)]
    left_out = len(lines) - len(kept)
    return [*kept, f"({left_out} more frames inside of libraries.)"] if left_out else kept


@dataclass(frozen=True, slots=True)
class Part:
    """A statement of a cell: its kind as the compiler calls it, and where it lies, in units of UTF-16."""

    kind: str
    start: int
    end: int


def statements(code: str, parts: Sequence[Part]) -> list[str]:
    """``code`` cut into what is interpreted one after the other, as if it were typed in so.

    An executor that needs a class of a cell runs the statements that were interpreted together with the class. So
    definitions stand alone, but together with those that follow them: a class with its companion, functions that call
    one another.
    """
    units = code.encode("utf-16-le")
    text = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    ends: list[tuple[bool, int]] = []
    for part in parts:
        defines = part.kind in _DEFINITIONS
        if ends and (part.start < ends[-1][1] or (defines and ends[-1][0])):
            ends[-1] = (ends[-1][0], max(ends[-1][1], part.end))
        else:
            ends.append((defines, part.end))
    # Up to the end of each, and not from its beginning: annotations and comments stand before that.
    bounds = [0, *(_after_brackets(text, end) for _, end in ends[:-1]), len(text)]
    cut = ("".join(text[begin:end]) for begin, end in itertools.pairwise(bounds))
    return [piece.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for piece in cut]


def _after_brackets(text: Sequence[str], end: int) -> int:
    """Where an expression ends of which the compiler doesn't count the brackets around it."""
    at = end
    while at < len(text) and (text[at].isspace() or text[at] in ")]}"):
        at += 1
        if text[at - 1] in ")]}":
            end = at
    return end


def name_at(code: str, cursor: int) -> tuple[str, int]:
    """The name at ``cursor`` and where it ends; an empty one where none stands there.

    Behind an opening bracket, and the arguments that stand there already, it is the name of what is called.

    Args:
        code: Scala.
        cursor: Index into ``code``, in characters.
    """
    names = [(found[0], *found.span()) for found in _NAME.finditer(code)]
    here = next((name for name in names if name[1] <= cursor <= name[2]), None)
    if here is None and (bracket := _open_bracket(code[:cursor])) is not None:
        here = next((name for name in names if name[2] == bracket), None)
    return ("", cursor) if here is None else (here[0], here[2])


@dataclass(frozen=True, slots=True)
class Asked:
    """Code of which is asked what may stand at a place.

    Attributes:
        code: The code; the word at the place ends there.
        cursor: The place, in units of UTF-16, as Java counts.
        word: What of the word stands before the place.
        names_of_cells: Whether the compiler sees too little to tell the names of earlier cells that may stand there.
        made: Whether an instance is made of what stands there.
    """

    code: str
    cursor: int
    word: str
    names_of_cells: bool
    made: bool


def asked_at(code: str, cursor: int) -> Asked:
    """What is asked at ``cursor``, an index in characters."""
    before = code[:cursor]
    begun = _BEGUN.search(before)
    word = begun[0] if begun else ""
    rest = _REST.match(code, cursor)
    after = code[rest.end() if word and rest else cursor :]
    # Where a keyword stands a name may just be begun with it; the compiler sees a name only when it goes on.
    keyword = _KEYWORD.fullmatch(word) is not None
    marked = f"_{after}" if keyword else after
    behind_a_dot = before.removesuffix(word).rstrip().endswith(".")
    return Asked(
        code=before + marked,
        cursor=len(before.encode("utf-16-le")) // 2,
        word=word,
        names_of_cells=not behind_a_dot and (not word or keyword),
        made=_MADE.search(before) is not None,
    )


def _open_bracket(before: str) -> int | None:
    """Where the innermost bracket stands that ``before`` opens and doesn't close."""
    closed = 0
    for at in range(len(before) - 1, -1, -1):
        if before[at] in ")]}":
            closed += 1
        elif before[at] in "([{":
            if not closed:
                return at
            closed -= 1
    return None


class OutputFeed:
    """Cuts a stream of bytes into the texts of statements, each of which ends with the mark.

    Args:
        mark: Ends a statement's text; begins with a zero byte.
        on_text: Takes each piece of text as soon as it is there.
        on_end: Called at each mark.
    """

    def __init__(self, mark: bytes, on_text: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._mark = mark
        self._on_text = on_text
        self._on_end = on_end
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = b""

    def feed(self, block: bytes) -> None:
        """Takes the next bytes."""
        *ended, rest = (self._pending + block).split(self._mark)
        for part in ended:
            self._tell(part)
            self._on_end()
        # What may be the beginning of a mark waits for what follows.
        zero = rest.rfind(b"\0")
        begun = zero >= 0 and self._mark.startswith(rest[zero:])
        self._pending = rest[zero:] if begun else b""
        self._tell(rest[:zero] if begun else rest)

    def _tell(self, part: bytes) -> None:
        text = self._decoder.decode(part)
        if text:
            self._on_text(text)


def named_error(name: str, value: str, lines: Sequence[str]) -> ScalaError:
    """An error whose class is called ``name``; without ``lines`` it shows its name and message."""
    error: ScalaError = type(name, (ScalaError,), {})(value)
    error.lines = list(lines) or [f"{name}: {value}"]
    return error
