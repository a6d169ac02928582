"""Files of records: Parquet and Avro. Their schema, and the first rows."""

from __future__ import annotations

import itertools
from typing import Any, BinaryIO

from hops_platform.adapters.previews.reader.shown import MOST_COLUMNS, Budget, Shown, UnreadableError

_MOST_OF_SCHEMA = 16 * 1024 * 1024


def read_parquet(file: BinaryIO, budget: Budget, rows: int) -> Shown:
    """The schema of a Parquet file, and its first rows.

    Raises:
        UnreadableError: It is none.
    """
    import pyarrow as pa  # noqa: PLC0415 - a third of a second, which other files need not wait for
    from pyarrow import parquet  # noqa: PLC0415

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    try:
        opened = parquet.ParquetFile(
            file, pre_buffer=False, buffer_size=65536, thrift_string_size_limit=_MOST_OF_SCHEMA,
            thrift_container_size_limit=100_000,
        )  # fmt: skip
        fields = list(opened.schema_arrow)[:MOST_COLUMNS]
        batches = opened.iter_batches(rows, columns=[field.name for field in fields], use_threads=False)
        batch = next(iter(batches), None)
        found = batch.slice(0, rows).to_pylist() if batch is not None else []
        shown = _table([(field.name, str(field.type)) for field in fields], found, budget)
        total, columns = opened.metadata.num_rows, len(opened.schema_arrow)
    except MemoryError:
        raise  # Arrow's is one of its exceptions, too; the file is not broken
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise UnreadableError("This can't be read as Parquet; it may be broken.") from error
    shown["cut"] = shown["cut"] or total > len(shown["rows"]) or columns > len(fields)
    shown["note"] = f"{total:,} rows, {columns:,} columns."
    return shown


def read_avro(file: BinaryIO, budget: Budget, rows: int) -> Shown:
    """The schema of an Avro file, and its first rows.

    Raises:
        UnreadableError: It is none.
    """
    import fastavro  # noqa: PLC0415

    try:
        reader = fastavro.reader(file)
        schema: Any = reader.writer_schema
        found = list(itertools.islice(reader, rows + 1))
        if isinstance(schema, dict) and schema.get("type") == "record":
            fields = [(str(field["name"]), _avro_type(field["type"])) for field in schema["fields"]]
        else:
            fields, found = [("value", _avro_type(schema))], [{"value": one} for one in found]
        shown = _table(fields[:MOST_COLUMNS], found[:rows], budget)
    except (EOFError, IndexError, KeyError, OSError, RecursionError, StopIteration, TypeError, ValueError) as error:
        raise UnreadableError(
            "This can't be read as Avro; it may be broken, or packed in a way that is not known here."
        ) from error
    shown["cut"] = shown["cut"] or len(found) > len(shown["rows"]) or len(fields) > MOST_COLUMNS
    return shown


def _avro_type(schema: Any) -> str:
    if isinstance(schema, list):
        return " | ".join(_avro_type(one) for one in schema)
    if isinstance(schema, dict):
        return str(schema.get("logicalType") or schema.get("name") or schema.get("type"))
    return str(schema)


def _table(fields: list[tuple[str, str]], found: list[Any], budget: Budget) -> Shown:
    columns = [{"name": budget.cell(name), "type": budget.cell(kind)} for name, kind in fields]
    rows = []
    for row in found:
        if budget.spent:
            budget.cut = True
            break
        rows.append([budget.cell(row.get(name)) for name, _ in fields])
    return {"kind": "table", "columns": columns, "rows": rows, "cut": budget.cut}
