"""Previews on the wire."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field


class PreviewKind(StrEnum):
    """As what a file is shown."""

    DOCUMENT = "document"
    IMAGE = "image"
    NONE = "none"
    NOTEBOOK = "notebook"
    TABLE = "table"
    TEXT = "text"


class ElementTag(StrEnum):
    """The elements of a document; ``text`` is no element but text."""

    A = "a"
    BLOCKQUOTE = "blockquote"
    BR = "br"
    CODE = "code"
    EM = "em"
    H1 = "h1"
    H2 = "h2"
    H3 = "h3"
    H4 = "h4"
    H5 = "h5"
    H6 = "h6"
    HR = "hr"
    LI = "li"
    OL = "ol"
    P = "p"
    PRE = "pre"
    S = "s"
    STRONG = "strong"
    TABLE = "table"
    TBODY = "tbody"
    TD = "td"
    TEXT = "text"
    TH = "th"
    THEAD = "thead"
    TR = "tr"
    UL = "ul"


class DocumentElement(BaseModel):
    """An element of a document, or text in one."""

    tag: ElementTag = Field(examples=["p"])
    text: str = Field(default="", description="Of the tag 'text'.", examples=["One row an hour."])
    href: str | None = Field(
        default=None,
        pattern="^(https?|mailto):",
        description="Where an 'a' leads: another site, or nowhere.",
        examples=["https://example.org/"],
    )
    children: list[DocumentElement] = Field(default=[], examples=[[{"tag": "text", "text": "One row an hour."}]])


class PreviewColumn(BaseModel):
    """A column of a table."""

    name: str = Field(examples=["rain"])
    type: str = Field(description="Empty where the file says none.", examples=["double"])


class PreviewImage(BaseModel):
    """A picture, written anew."""

    data: str = Field(pattern="^[A-Za-z0-9+/]*={0,2}$", description="Base64.", examples=["iVBORw0KGgo="])
    media_type: str = Field(pattern="^image/(png|jpeg)$", examples=["image/png"])
    width: int = Field(ge=1, description="Points of the file's own picture, which may be larger.", examples=[640])
    height: int = Field(ge=1, examples=[480])


class CellKind(StrEnum):
    """What a notebook's cell is."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


class PreviewCell(BaseModel):
    """A cell of a notebook."""

    kind: CellKind = Field(examples=["code"])
    text: str = Field(examples=["print(1)"])
    outputs: list[str] = Field(default=[], description="As text.", examples=[["1"]])


class PreviewAnswer(BaseModel):
    """The beginning of a file for people's eyes; which of the fields are set, the kind says."""

    kind: PreviewKind = Field(examples=["table"])
    cut: bool = Field(default=False, description="Whether there is more than what is shown.", examples=[True])
    note: str | None = Field(default=None, description="What else is to be said.", examples=["8,760 rows, 3 columns."])
    text: str | None = Field(default=None, examples=["day,rain"])
    columns: list[PreviewColumn] | None = Field(default=None, examples=[[{"name": "rain", "type": "double"}]])
    rows: list[list[str | None]] | None = Field(default=None, examples=[[["0.3"]]])
    image: PreviewImage | None = None
    cells: list[PreviewCell] | None = Field(default=None, examples=[[{"kind": "code", "text": "print(1)"}]])
    document: list[DocumentElement] | None = Field(default=None, examples=[[{"tag": "hr"}]])
