"""One trivial cell, ``1+1``: through our PySpark kernel, and through the unmodified sparkmagic kernel on our service.

The peer is the same unmodified sparkmagic kernel on the same service when it answers at once, holding nothing, as
other servers do: then sparkmagic's own sleeps decide. All three kernels run on a notebook server and are asked
through its WebSocket. Completion is asked of our kernel; where it does not yet reach the session, that is said. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from plain_livy import answers_at_once
from stage import Kernel, described, load, milliseconds, notebook_server, session_service
from verdict import tell

GOAL_OURS_MS, GOAL_SPARKMAGIC_MS, GOAL_COMPLETION_MS = 20.0, 30.0, 30.0
MARK = "beside_the_kernel"


def measure_cells(kernel: Kernel, rounds: int, name: str) -> float:
    figures = milliseconds(lambda: kernel.run("1+1"), rounds)
    print(f"{name}: {described(figures, 'ms')}; {load()}", flush=True)
    return statistics.median(figures)


def measure_completion(kernel: Kernel, rounds: int) -> tuple[float, str]:
    """Median milliseconds, and who answers: the session or the kernel's own local completer."""
    kernel.run(f"{MARK}_found = 1")
    remote = any(MARK in match for match in kernel.complete(MARK))
    source = "session" if remote else "local"
    figures = milliseconds(lambda: kernel.complete("spark.ran" if remote else "import o"), rounds)
    print(f"completion, answered by the {source}: {described(figures, 'ms')}", flush=True)
    return statistics.median(figures), source


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    rounds = max(3, parser.parse_args().rounds)
    with session_service() as stage, answers_at_once(stage.service.url) as plain:
        with notebook_server(stage, stock_livy=plain) as server:
            kernel = server.open_notebook("peer.ipynb", "stock")
            peer = measure_cells(kernel, rounds, "unmodified sparkmagic, server that answers at once")
            kernel.close()
        with notebook_server(stage, stock_livy=stage.service.url) as server:
            kernel = server.open_notebook("sparkmagic.ipynb", "stock")
            sparkmagic = measure_cells(kernel, rounds, "unmodified sparkmagic, our service")
            kernel.close()
            kernel = server.open_notebook("ours.ipynb", "pyspark")
            ours = measure_cells(kernel, rounds, "our kernel")
            completion, completed_by = measure_completion(kernel, rounds)
            kernel.close()
    return tell(
        bench="statement", value=ours, unit="ms for 1+1, median", peer=peer,
        goal=f"ours <= {GOAL_OURS_MS:g}, sparkmagic <= {GOAL_SPARKMAGIC_MS:g}, completion <= {GOAL_COMPLETION_MS:g}",
        holds=(
            ours <= GOAL_OURS_MS
            and sparkmagic <= GOAL_SPARKMAGIC_MS
            and completion <= GOAL_COMPLETION_MS
            and completed_by == "session"
        ),
        sparkmagic_on_our_service=round(sparkmagic, 1), completion=round(completion, 1), completed_by=completed_by,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
