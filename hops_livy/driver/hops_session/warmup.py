"""Runs Spark's first jobs before anybody waits for them: they load and compile what all later ones use."""

from __future__ import annotations

import contextlib
from typing import Any


def run(spark: Any) -> None:
    """Takes a second or two; a session that is kept ready is not ready before."""
    # Whatever goes wrong here, a statement of the user's would say it better.
    with contextlib.suppress(Exception):
        for _ in range(2):
            spark.range(10**6).count()
        spark.sql("select 1 as one").toJSON().take(1)
        spark.sparkContext.parallelize([1], 1).map(lambda value: value).collect()
