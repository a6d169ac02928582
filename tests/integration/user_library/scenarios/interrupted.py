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


def finished():
    summaries = (session.PROJECT / "Experiments").glob("*/.summary.json")
    states = [one["state"] for summary in summaries for one in json.loads(summary.read_text())["combinations"]]
    return states.count("FINISHED")


# The first two end at once; when the run knows, and the next two are under way, the test interrupts.
def announce():
    while finished() < 2 or len(list(pids.iterdir())) < 4:
        time.sleep(0.1)
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
deadline = time.monotonic() + 60
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
