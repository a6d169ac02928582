"""Markdown as a tree of a few elements. There is no HTML at any moment, so there is nothing to clean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hops_platform.adapters.previews.reader.shown import Budget, Shown
from hops_platform.adapters.previews.reader.text import beginning

MOST_ELEMENTS = 5000
_ELEMENTS = frozenset(
    (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "hr", "pre", "code"),
        *("em", "strong", "s", "a", "br", "table", "thead", "tbody", "tr", "th", "td"),
    )
)
_SCHEMES = frozenset(("http", "https", "mailto"))


def read_markdown(file: BinaryIO, budget: Budget) -> Shown:
    """What is written in Markdown; HTML in it is shown as the text that it is."""
    text, whole = beginning(file, budget.left)
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    builder = _Builder(budget)
    builder.add_all(parser.parse(text))
    return {"kind": "document", "document": builder.top, "cut": budget.cut or not whole}


class _Builder:
    """Makes a tree of the parser's tokens.

    Args:
        budget: How much may be shown.
    """

    def __init__(self, budget: Budget) -> None:
        self.top: list[Shown] = []
        self._budget = budget
        self._open = [self.top]
        self._elements = 0

    def add_all(self, tokens: Sequence[Token]) -> None:
        """Adds what the tokens say, until as much is shown as may be."""
        for token in tokens:
            if token.nesting < 0:
                self._open.pop()
            elif self._elements >= MOST_ELEMENTS and token.nesting == 0:
                self._budget.cut = True
            elif token.nesting > 0:
                # The lines of a narrow list are no paragraphs.
                self._open.append(self._open[-1] if token.hidden else self._element(token.tag, token))
            elif token.type == "inline":
                self.add_all(token.children or ())
            else:
                self._leaf(token)

    def _leaf(self, token: Token) -> None:
        match token.type:
            case "softbreak":
                self._text("\n")
            case "hardbreak" | "hr":
                self._element(token.tag, token)
            case "code_inline":
                self._inside("code", token)
            case "code_block" | "fence":
                self._inside("pre", token)
            case _:
                # Of a picture the words that describe it: fetching one would tell its site who reads this.
                self._text(token.content)

    def _inside(self, tag: str, token: Token) -> None:
        self._open.append(self._element(tag, token))
        self._text(token.content)
        self._open.pop()

    def _text(self, text: str) -> None:
        if shown := self._budget.take(text):
            self._elements += 1
            self._open[-1].append({"tag": "text", "text": shown})

    def _element(self, tag: str, token: Token) -> list[Shown]:
        self._elements += 1
        inside: list[Shown] = []
        element: dict[str, Any] = {"tag": tag if tag in _ELEMENTS else "p", "children": inside}
        if tag == "a":
            element["href"] = _harmless(str(token.attrs.get("href", "")))
        self._open[-1].append(element)
        return inside


def _harmless(address: str) -> str | None:
    """An address that leads to another site; nothing that runs, and no call of this one."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in _SCHEMES and (parts.netloc or parts.scheme == "mailto") else None
