"""From opening a new PySpark notebook on a running notebook server to the result of ``spark.range(10**6).count()``.

A kernel is started through Jupyter's REST, its WebSocket opened, its information asked for, then the cell is run:
what Lab does. The peer does the same with sparkmagic's own kernel on a server that answers at once and starts stock
PySpark (``plain_livy.py``): no pool, no archive of classes. Rounds of both alternate. Between rounds it waits until
the service has a warm session again, where it keeps any, and the notebook server its spare kernel. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil
from plain_livy import plain_livy
from stage import (
    COUNT,
    COUNTED,
    NotebookServer,
    Stage,
    load,
    notebook_server,
    options,
    session_service,
    wait_for,
)
from verdict import tell

GOAL_S, GOAL_CELL_S, GOAL_RATIO = 1.0, 0.3, 1 / 8
SPARE_PATIENCE_S = 60.0
WARM_PATIENCE_S = 120.0
CALM_S = 1.0
READY_WORDS = ("ready after", "SparkSession available")
NO_POOL = "the service keeps no warm sessions"


@dataclass(frozen=True)
class Round:
    """Seconds of one notebook, from its opening on."""

    kernel: float
    session: float
    total: float

    @property
    def cell(self) -> float:
        """From running the cell to its result."""
        return self.total - self.kernel

    def __str__(self) -> str:
        count = self.total - self.session
        session = self.session - self.kernel
        return f"{self.total:.2f} s (kernel {self.kernel:.2f}, session {session:.2f}, count {count:.2f})"


def open_and_count(server: NotebookServer, name: str, kernel_name: str) -> Round:
    began = time.perf_counter()
    kernel = server.open_notebook(name, kernel_name)
    try:
        kernel.wait_ready()
        ready = time.perf_counter() - began
        outputs = kernel.run(COUNT)
        total = time.perf_counter() - began
        assert any(COUNTED in _text(content) for _moment, _kind, content in outputs), outputs
        told = [moment for moment, _kind, content in outputs if any(word in _text(content) for word in READY_WORDS)]
        return Round(ready, (told[-1] - began) if told else total, total)
    finally:
        kernel.close()


def _text(content: dict[str, Any]) -> str:
    return str(content.get("text", "")) + str(content.get("data", {}).get("text/plain", ""))


def wait_until_warm(stage: Stage) -> str:
    """Waits for a warm session like the notebook's, where the service keeps them; says what became of it."""
    wanted = {"options": options().model_dump(mode="json")}
    with stage.client() as client:

        def ask() -> str:
            answer = client.post("/sessions:warm", json=wanted)
            if answer.status_code in (404, 405, 501):
                return NO_POOL
            if answer.is_error:
                return f"refused with {answer.status_code}: {answer.text[:200]}"
            state = answer.json().get("state", "") if answer.content else ""
            return "warm" if state == "ready" else ""

        return wait_for(ask, patience_s=WARM_PATIENCE_S, step_s=0.5) or "no warm session became ready"


def wait_for_spare(server: NotebookServer) -> bool:
    """Waits until the notebook server's spare kernel has imported everything; whether there is one."""
    spare = wait_for(server.spare, patience_s=SPARE_PATIENCE_S)
    return spare is not None and bool(wait_for(lambda: _rests(spare), patience_s=SPARE_PATIENCE_S))


def _rests(process: psutil.Process) -> bool:
    before = process.cpu_times()
    time.sleep(CALM_S)
    return process.cpu_times() == before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = max(1, parser.parse_args().rounds)
    ours: list[Round] = []
    stock: list[Round] = []
    spares = 0
    with (
        session_service() as stage,
        plain_livy(stage.python, stage.home) as plain,
        notebook_server(stage, stock_livy=plain) as server,
    ):
        for number in range(rounds + 1):  # the first of each only brings the files into the disk's cache
            warm, spare = wait_until_warm(stage), wait_for_spare(server)
            mine = open_and_count(server, f"ours-{number}.ipynb", "pyspark")
            peer = open_and_count(server, f"stock-{number}.ipynb", "stock")
            if number:
                ours.append(mine)
                stock.append(peer)
                spares += spare
            print(f"round {number or 'before the first'}: ours {mine}, stock {peer}; {warm}, "
                  f"{'a' if spare else 'no'} spare kernel; {load()}", flush=True)  # fmt: skip
    value, peer_s = (statistics.median(one.total for one in rounds_) for rounds_ in (ours, stock))
    cell = statistics.median(one.cell for one in ours)
    return tell(
        bench="first_cell", value=value, unit="s from opening a notebook to the count, median", peer=peer_s,
        goal=f"<= {GOAL_S:g} s, <= {GOAL_CELL_S:g} s from running the cell, ratio <= {GOAL_RATIO:g}",
        holds=value <= GOAL_S and cell <= GOAL_CELL_S and value / peer_s <= GOAL_RATIO,
        from_running_the_cell=round(cell, 3), kernel=round(statistics.median(one.kernel for one in ours), 3),
        peer_kernel=round(statistics.median(one.kernel for one in stock), 3), pool=warm, rounds_with_spare=spares,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
