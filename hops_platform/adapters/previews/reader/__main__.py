from __future__ import annotations

import json
import sys
from typing import BinaryIO

from hops_platform.adapters.previews.reader.limits import set_limits
from hops_platform.adapters.previews.reader.shown import Budget, Shown, UnreadableError, nothing


def read(file: BinaryIO, file_format: str, budget: Budget, rows: int) -> Shown:
    """What is shown of ``file``. What reads a format is imported only for it."""
    # ruff: noqa: PLC0415
    match file_format:
        case "avro" | "parquet":
            from hops_platform.adapters.previews.reader import records

            return (records.read_avro if file_format == "avro" else records.read_parquet)(file, budget, rows)
        case "image":
            from hops_platform.adapters.previews.reader.images import read_image

            return read_image(file, budget)
        case "markdown":
            from hops_platform.adapters.previews.reader.markdown import read_markdown

            return read_markdown(file, budget)
        case "notebook":
            from hops_platform.adapters.previews.reader.notebooks import read_notebook

            return read_notebook(file, budget)
    from hops_platform.adapters.previews.reader import text

    if file_format == "csv":
        return text.read_csv(file, budget, rows)
    return text.read_json(file, budget) if file_format == "json" else text.read_text(file, budget)


def main(file_format: str, size: str, rows: str) -> None:
    """Reads the standard input, and writes what is shown of it."""
    set_limits()
    with open(0, "rb", closefd=False) as file:
        try:
            shown = read(file, file_format, Budget(int(size)), int(rows))
        except UnreadableError as error:
            shown = nothing(str(error))
    # Letters outside ASCII as they are: they would be longer else. Halves of pairs can't be written.
    text = json.dumps(shown, ensure_ascii=False)
    sys.stdout.buffer.write(text.encode(errors="replace"))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
