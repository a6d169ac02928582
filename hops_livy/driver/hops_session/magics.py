"""Magics of a session: Livy's ``%matplot``, ``%json`` and ``%table``, and the cell magics that run SQL and Scala."""

from __future__ import annotations

import base64
import io
import json
import sys
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from .tables import TABLE, table

SQL_ROWS = 1000
"""As many rows of a SQL statement are shown as Livy shows."""


def show_frames_once(shell: Any) -> None:
    """Lets a data frame as the last line of a cell run one job: its table is HTML, its text is the schema.

    pyspark (4.3) computes the rows for the text too, until it has been asked for HTML.
    """

    def schema(frame: Any, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - IPython's signature
        frame._support_repr_html = True  # noqa: SLF001 - where pyspark remembers that
        printer.text(repr(frame))

    text = shell.display_formatter.formatters["text/plain"]
    text.for_type_by_name("pyspark.sql.classic.dataframe", "DataFrame", schema)


class ShownFigure:
    """The figure that matplotlib itself showed last, with ``plt.show()`` or at the end of a cell, which closed it.

    With Livy a figure stays open, so ``%matplot plt`` may follow both. A hook of IPython's publisher of displays.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cell: int | None = None
        self.png: Any = None
        """Its picture in base64, if there was one."""

    def __call__(self, message: dict[str, Any]) -> dict[str, Any]:
        """Looks at what is displayed, and leaves it as it is."""
        data = message["content"].get("data", {})
        if "image/png" in data and str(data.get("text/plain", "")).startswith("<Figure size"):
            self.png, self._cell = data["image/png"], self._shell.execution_count
        return message

    @property
    def is_of_this_cell(self) -> bool:
        """Whether the cell that runs has shown it."""
        return bool(self._cell == self._shell.execution_count)


def register(shell: Any, spark: Any) -> None:
    """Adds the magics to ``shell``."""
    shown = ShownFigure(shell)
    shell.display_pub.register_hook(shown)

    def matplot(line: str) -> None:
        """``%matplot plt``: shows the current figure of ``plt`` (or the given figure) as PNG, once in a cell."""
        subject = shell.ev(line.strip() or "plt")
        if shown.png is None or not hasattr(subject, "get_fignums") or subject.get_fignums():
            shell.display_pub.publish({"image/png": _png(subject)})
        elif not shown.is_of_this_cell:
            shell.display_pub.publish({"image/png": shown.png})

    def show_json(line: str) -> None:
        """``%json x``: shows ``x`` as JSON."""
        value = shell.ev(line)
        shell.display_pub.publish({"application/json": _plain(value), "text/plain": json.dumps(_plain(value))})

    def show_table(line: str) -> None:
        """``%table x``: shows ``x``, a list of rows, as Livy's table."""
        value = _plain(shell.ev(line))
        shell.display_pub.publish({TABLE: table(value), "text/plain": json.dumps(value)})

    def sql(_line: str, cell: str) -> None:
        """Runs one SQL statement and shows its rows as Livy does."""
        shell.display_pub.publish(_table(spark.sql(cell)))

    def scala(_line: str, cell: str) -> None:
        """Runs Scala."""
        if shell.kernel.scala is None:
            from .scala import ScalaRepl  # noqa: PLC0415 - most sessions never need it

            shell.kernel.scala = ScalaRepl(spark)
        shell.kernel.scala.run(cell, _write, shell.display_pub.publish)

    shell.register_magic_function(matplot, "line", "matplot")
    shell.register_magic_function(show_json, "line", "json")
    shell.register_magic_function(show_table, "line", "table")
    shell.register_magic_function(sql, "cell", "hops_sql")
    shell.register_magic_function(scala, "cell", "hops_scala")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _png(subject: Any) -> str:
    figure = subject.gcf() if hasattr(subject, "gcf") else subject
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    if hasattr(subject, "close"):
        subject.close(figure)  # or the inline backend would show it once more at the end of the cell
    return base64.b64encode(buffer.getvalue()).decode()


def _table(frame: Any) -> dict[str, Any]:
    rows = frame.take(SQL_ROWS)
    schema = json.loads(frame.schema.json())
    data = [[_plain(value) for value in row] for row in rows]
    header = "\t".join(field["name"] for field in schema["fields"])
    text = "\n".join([header, *("\t".join(str(value) for value in row) for row in data)])
    return {"application/json": {"schema": schema, "data": data}, "text/plain": text}


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one type, one line
    """``value`` in JSON's own types; what has none becomes text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(bytes(value)).decode()
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else str(value)
