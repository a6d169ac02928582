"""What Spark's libraries write into the output of a cell, though an exception or the session's end says it better."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any


def keep_errors_out_of_output() -> None:
    """Keeps out of cells what the libraries log of errors that users are told anyway."""
    from py4j import java_gateway  # noqa: PLC0415 - only a driver has it
    from pyspark import accumulators  # noqa: PLC0415
    from pyspark.logger import PySparkLogger  # noqa: PLC0415

    # Errors that pyspark raises it also logs, as JSON with Java's stack.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True
    # py4j logs each interrupt, and each call that the end of the Java machine breaks off, with its traceback. Some of
    # it goes to the root logger, which from then on has a handler, and users' own `basicConfig` no effect.
    java_gateway.logging = java_gateway.logger
    logging.getLogger("py4j").propagate = False
    # The thread that collects accumulators prints a traceback when the Java machine ends at its other side.
    for server in (accumulators.AccumulatorTCPServer, accumulators.AccumulatorUnixServer):
        server.handle_error = _unless_it_hung_up(server.handle_error)


def _unless_it_hung_up(handle_error: Callable[..., None]) -> Callable[..., None]:
    def handle(server: Any, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), EOFError | ConnectionError):
            handle_error(server, request, client_address)

    return handle
