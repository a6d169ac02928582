"""Thirty notebooks each start a Spark session at the same moment, and count: none may fail.

``--kernels`` says how many of them have a kernel, on the notebook server of one person; each of the others belongs
to a person of its own and asks the service by REST what a kernel would ask, because kernels take memory too. The
peer is one notebook alone, times their number: thirty one after the other. Where memory is lacking they wait in the
service's queue until others have counted and are closed, and it is told for how long; a refusal counts as a failure.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil
from stage import COUNT, COUNTED, NotebookServer, Stage, load, notebook_server, options, session_service
from verdict import tell

MIB = 1024 * 1024
LOOK_S = 0.5
WAIT_S = 900
"""So long a notebook may take before it counts as failed."""
SMALL = {"executor_memory_mib": 512, "driver_memory_mib": 512}
QUEUED = re.compile(r"Waits for [^\n]*?\((\d+) s; interrupt")
PROPERTIES = {
    "kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m", "executorCores": 1, "numExecutors": 1,
}  # fmt: skip


@dataclass
class Notebook:
    """What became of one notebook; seconds from its opening on."""

    number: int
    accepted: float = 0.0
    queued: float = 0.0
    session: float = 0.0
    total: float = 0.0
    failure: str = ""


class Watch(threading.Thread):
    """Looks again and again at the memory of all sessions, kernels and the service."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self._stage = stage
        self._ended = threading.Event()
        self.most_mib = 0.0
        self.least_free_mib = psutil.virtual_memory().available / MIB

    def run(self) -> None:
        """Looks until told to stop."""
        me = psutil.Process()
        while not self._ended.wait(LOOK_S):
            used = 0
            for process in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    used += process.memory_info().rss
            self.most_mib = max(self.most_mib, used / MIB)
            self.least_free_mib = min(self.least_free_mib, psutil.virtual_memory().available / MIB)

    def stop(self) -> None:
        """Ends the looking."""
        self._ended.set()
        self.join()


def by_rest(stage: Stage, notebook: Notebook, gate: threading.Barrier | None = None) -> None:
    """One notebook without its kernel: the requests that the kernel would send."""
    with stage.client(f"user{notebook.number}") as client:
        if gate is not None:
            gate.wait()
        began = time.perf_counter()
        made = client.post("/sessions", json=PROPERTIES)
        notebook.accepted = time.perf_counter() - began
        if made.is_error:
            notebook.failure = f"{made.status_code}: {made.text[:300]}"
            return
        session, told = f"/sessions/{made.json()['id']}", made.json()
        while told["state"] == "starting" and time.perf_counter() - began < WAIT_S:
            waited, told = "queue" in told, client.get(session).json()
            if waited:
                notebook.queued = time.perf_counter() - began
        state = told["state"]
        notebook.session = time.perf_counter() - began
        if state != "idle":
            notebook.failure = f"{state}: {client.get(f'{session}/summary').json().get('reason')}"
            return
        statement = client.post(f"{session}/statements", json={"code": COUNT}).json()
        while (output := client.get(f"{session}/statements/{statement['id']}").json()["output"]) is None:
            pass
        notebook.total = time.perf_counter() - began
        if output.get("data", {}).get("text/plain") != COUNTED:
            notebook.failure = str(output)[:300]
        client.delete(session)


def by_kernel(server: NotebookServer, notebook: Notebook, gate: threading.Barrier) -> None:
    """One notebook with its kernel."""
    gate.wait()
    began = time.perf_counter()
    kernel = server.open_notebook(f"{notebook.number}.ipynb", "pyspark")
    try:
        kernel.wait_ready()
        notebook.accepted = time.perf_counter() - began
        outputs = kernel.run(COUNT, patience_s=WAIT_S)
        notebook.session = notebook.total = time.perf_counter() - began
        # The line that is rewritten while the session waits tells whole seconds.
        notebook.queued = max(map(float, QUEUED.findall(str(outputs))), default=0.0)
        if COUNTED not in str(outputs):
            notebook.failure = str(outputs)[:300]
    finally:
        kernel.close()


def run_all(stage: Stage, server: NotebookServer, notebooks: list[Notebook], kernels: int) -> None:
    """Opens all at the same moment; each is closed when it has counted."""
    gate = threading.Barrier(len(notebooks))

    def live(notebook: Notebook) -> None:
        try:
            if notebook.number < kernels:
                by_kernel(server, notebook, gate)
            else:
                by_rest(stage, notebook, gate)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this notebook's failure
            notebook.failure = f"{type(error).__name__}: {error}"[:300]

    with ThreadPoolExecutor(len(notebooks)) as pool:
        list(pool.map(live, notebooks))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", type=int, default=30)
    parser.add_argument("--kernels", type=int, default=10, help="how many of them have a kernel")
    arguments = parser.parse_args()
    count = max(1, arguments.notebooks)
    notebooks = [Notebook(number) for number in range(count)]
    alone = Notebook(count)
    kernels = min(arguments.kernels, count)
    environment = {"HOPS_SESSIONS_PER_OWNER": str(max(10, kernels)), "HOPS_SESSION_START_S": str(WAIT_S)}
    with session_service(**environment) as stage, notebook_server(stage, chosen=options(**SMALL)) as server:
        for _twice in range(2):  # the first brings the files into the disk's cache
            by_rest(stage, alone)
        watch = Watch(stage)
        watch.start()
        began = time.perf_counter()
        run_all(stage, server, notebooks, kernels)
        whole = time.perf_counter() - began
        watch.stop()
    for notebook in notebooks:
        how = "kernel" if notebook.number < kernels else "REST"
        what = notebook.failure or (
            f"counted after {notebook.total:.1f} s (accepted or kernel ready {notebook.accepted:.1f}, "
            f"in the queue {notebook.queued:.1f}, session {notebook.session:.1f})"
        )
        print(f"notebook {notebook.number} ({how}): {what}", flush=True)
    good = [notebook for notebook in notebooks if not notebook.failure]
    failed = len(notebooks) - len(good)
    slowest = max((notebook.total for notebook in good), default=None)
    queues = [notebook.queued for notebook in good] or [0.0]
    print(f"all closed after {whole:.1f} s; one alone counted after {alone.total:.2f} s; {load()}", flush=True)
    return tell(
        bench="thirty", value=slowest, unit="s until the slowest of all at once has counted", peer=alone.total * count,
        goal="none fails", holds=failed == 0, notebooks=count, kernels=kernels, failed=failed,
        median_s=round(statistics.median([notebook.total for notebook in good] or [0.0]), 2),
        queued=sum(queue > 0 for queue in queues),
        queue_s={"median": round(statistics.median(queues), 2), "most": round(max(queues), 2)},
        memory_mib=round(watch.most_mib), least_free_mib=round(watch.least_free_mib), cores=os.cpu_count(),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
