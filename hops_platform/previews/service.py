"""Previews: as what a file is read, how much of it whom is shown, and whether what was read can be a preview."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from hops_platform.engines.files import ProjectFiles
from hops_platform.engines.places import Place
from hops_platform.engines.previews import Bounds, FileFormat, FilePreviews
from hops_platform.errors import ConflictError
from hops_platform.previews.schemas import PreviewAnswer

_FORMATS: Mapping[str, FileFormat] = MappingProxyType(
    {
        ".avro": FileFormat.AVRO,
        ".csv": FileFormat.CSV,
        ".tsv": FileFormat.CSV,
        ".gif": FileFormat.IMAGE,
        ".jpeg": FileFormat.IMAGE,
        ".jpg": FileFormat.IMAGE,
        ".png": FileFormat.IMAGE,
        ".webp": FileFormat.IMAGE,
        ".json": FileFormat.JSON,
        ".md": FileFormat.MARKDOWN,
        ".ipynb": FileFormat.NOTEBOOK,
        ".parquet": FileFormat.PARQUET,
    }
)
# A preview is for the eyes. Who may look at data and carry none out, a Data Scientist or anybody where another
# project's dataset may not be downloaded, is shown little of a file, always the same of it.
WIDE = Bounds(size=1024 * 1024, rows=500)
NARROW = Bounds(size=64 * 1024, rows=100)


def format_of(name: str) -> FileFormat:
    """As what a file is read, by its name; whether it is that, reading it tells."""
    return _FORMATS.get(posixpath.splitext(name.lower())[1], FileFormat.TEXT)


def preview(files: ProjectFiles, previews: FilePreviews, place: Place, *, bounds: Bounds) -> PreviewAnswer:
    """The beginning of a file.

    Raises:
        ConflictError: It can't be read within what a preview may use.
        InvalidRequestError: It is no file.
        NotFoundError: There is none.
    """
    opened = files.open_file(place)
    with opened.file as file:
        text = previews.read(file, format_of(place.name), bounds)
    try:
        return PreviewAnswer.model_validate_json(text)
    except ValidationError as error:
        # A file may have taken over what reads it.
        raise ConflictError("This file can't be shown; it may be broken.", remedy="Read it in a notebook.") from error
