"""Reading files for people's eyes: a port, because whoever made a file may have made it to break what reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol


class FileFormat(StrEnum):
    """As what a file is read."""

    AVRO = "avro"
    CSV = "csv"
    IMAGE = "image"
    JSON = "json"
    MARKDOWN = "markdown"
    NOTEBOOK = "notebook"
    PARQUET = "parquet"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of a file is shown.

    Attributes:
        size: Bytes of what is shown, however it is written.
        rows: Rows of a table.
    """

    size: int
    rows: int


class FilePreviews(Protocol):
    """Reads the beginning of files. Must be thread-safe, and bounded in time and memory whatever a file holds."""

    def read(self, file: BinaryIO, file_format: FileFormat, bounds: Bounds) -> bytes:
        """What is shown of ``file``, an open file of the system.

        It is JSON of a :class:`~hops_platform.previews.schemas.PreviewAnswer`, from whoever made the file: check it.

        Raises:
            ConflictError: The file can't be read within the time and the memory that a preview has.
            EngineUnavailableError: No file can be read at this moment.
        """
        ...
