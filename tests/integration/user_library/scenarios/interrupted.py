"""Ctrl-C in the middle of an experiment."""

# ruff: noqa: T201  # a scenario prints what it found

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import session
from hops import experiment

spark = session.start("local[2]")
pids = session.PROJECT / "pids"
pids.mkdir()


def train(a):
    (pids / str(os.getpid())).touch()
    if a > 2:
        time.sleep(600)
    return a


# The first two end at once; when they have, the test interrupts.
def announce():
    while len(list((session.PROJECT / "Experiments").glob("*/*/.metric"))) < 2 or len(list(pids.iterdir())) < 4:
        time.sleep(0.1)
    time.sleep(0.5)
    print("INTERRUPT NOW", flush=True)


threading.Thread(target=announce, daemon=True).start()
began = time.monotonic()
try:
    experiment.grid_search(train, {"a": [1, 2, 3, 4, 5]})
    outcome = "ended"
except KeyboardInterrupt:
    # A second one may come when all is over; it would end this script, which only looks at what is left.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outcome = "interrupted"
stopped = time.monotonic() - began
(folder,) = (session.PROJECT / "Experiments").iterdir()


def still_alive():
    return [pid.name for pid in pids.iterdir() if Path("/proc", pid.name).exists()]


# Spark gives a Python worker two seconds before it ends it.
deadline = time.monotonic() + 20
while still_alive() and time.monotonic() < deadline:
    time.sleep(0.2)
alive = still_alive()
after = experiment.launch(lambda: 5)[1]
print(
    json.dumps(
        {
            "outcome": outcome,
            "alive": alive,
            "seconds": stopped,
            "summary": json.loads((folder / ".summary.json").read_text()),
            "after": after,
            "names": sorted(path.name for path in folder.iterdir()),
        }
    )
)
