"""A kernel's process that is started before it is known for which notebook: ``python -m hops_kernels.spare``.

It has imported everything and then waits for one line of JSON on its standard input: the arguments, the folder and the
environment that the kernel would have been started with. From there on it is that kernel; nothing of a kernel was made
before. Without such a line (the notebook server has ended) it ends.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from hops_kernels.pyspark import load_kernel

MAX_ORDER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What the kernel is to be started with."""

    arguments: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]


def read_order(source: BinaryIO) -> Order | None:
    """Waits for the order; ``None`` where ``source`` ends without one."""
    line = source.readline(MAX_ORDER_BYTES)
    if not line.endswith(b"\n"):
        return None
    content = json.loads(line)
    return Order(tuple(content["arguments"]), content["folder"], content["environment"])


def obey(order: Order) -> None:
    """Gives this process the folder, the environment and the standard input of the kernel that it becomes."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)


def main() -> None:
    """Waits for an order and is the kernel then."""
    run = load_kernel()
    import pandas  # noqa: F401, ICN001, PLC0415 - nobody waits yet; the first session's start would import it

    gc.collect()
    gc.freeze()
    order = read_order(sys.stdin.buffer)
    if order is not None:
        obey(order)
        run(order.arguments)


if __name__ == "__main__":
    main()
