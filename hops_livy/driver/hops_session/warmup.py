"""Runs Spark's first jobs before anybody waits for them: they load and compile what all later ones use."""

from __future__ import annotations

import contextlib
import threading
from typing import Any


def begin(spark: Any) -> None:
    """Begins in a thread of its own; who comes meanwhile need not wait for it."""
    threading.Thread(target=_run, args=(spark,), name="hops-warm-up", daemon=True).start()


def _run(spark: Any) -> None:
    # Whatever goes wrong here, a statement of the user's would say it better.
    with contextlib.suppress(Exception):
        spark.range(1000).count()
        spark.sql("select 1 as one").toJSON().take(1)
        spark.sparkContext.parallelize([1], 1).map(lambda value: value).collect()
