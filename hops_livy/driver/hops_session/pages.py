"""Spark's own pages: where they are for the session service, and where for a person who looks at ``sc``."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any
from urllib.parse import urlsplit

_PROXY_BASE = "spark.ui.proxyBase"
_LOOK_S = 0.1
_GIVE_UP_S = 120.0


def port_of(spark: Any) -> int | None:
    """The port of the pages on the loopback interface; ``None`` where Spark shows none."""
    return urlsplit(spark.sparkContext.uiWebUrl or "").port


def lead_to(path: str) -> None:
    """Lets ``sc.uiWebUrl``, and the link that a notebook shows for ``sc``, lead to ``path`` of the notebook server.

    Spark's own answer is an address on this machine, where a browser elsewhere finds nothing.
    """
    from pyspark import SparkContext  # noqa: PLC0415

    SparkContext.uiWebUrl = property(lambda _context: path)


def keep_links(spark: Any) -> None:
    """Lets links of the pages begin with what each request asks for, also on YARN.

    YARN's application master tells the driver, once, that they begin with the path of YARN's proxy, and Spark puts that
    before what a request asks for. Nothing switches it off, so it is taken back as soon as it has come.
    """
    if spark.sparkContext.master == "yarn":
        threading.Thread(target=_forget_proxy, args=(spark,), name="hops-page-links", daemon=True).start()


def _forget_proxy(spark: Any) -> None:
    deadline = time.monotonic() + _GIVE_UP_S
    # A driver that is going away has no pages either.
    with contextlib.suppress(Exception):
        system = spark.sparkContext._jvm.java.lang.System  # noqa: SLF001 - there is no other way to it
        while system.clearProperty(_PROXY_BASE) is None and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
