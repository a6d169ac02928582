"""Spark's own pages: where they are for the session service, and where for a person who looks at ``sc``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def port_of(spark: Any) -> int | None:
    """The port of the pages on the loopback interface; ``None`` where Spark shows none."""
    return urlsplit(spark.sparkContext.uiWebUrl or "").port


def lead_to(path: str) -> None:
    """Lets ``sc.uiWebUrl``, and the link that a notebook shows for ``sc``, lead to ``path`` of the notebook server.

    Spark's own answer is an address on this machine, where a browser elsewhere finds nothing.
    """
    from pyspark import SparkContext  # noqa: PLC0415

    SparkContext.uiWebUrl = property(lambda _context: path)
