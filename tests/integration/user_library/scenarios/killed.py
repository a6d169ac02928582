"""A driver that ends in the middle of an experiment: killed, or because its main thread is done."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

import session
from hops import experiment

spark = session.start("local[2]")


def train(a):
    if a > 2:
        time.sleep(600)
    return a


def combinations():
    (summary,) = (session.PROJECT / "Experiments").glob("*/.summary.json")
    return json.loads(summary.read_text())["combinations"]


threading.Thread(target=experiment.grid_search, args=(train, {"a": [1, 2, 3, 4, 5]}), daemon=True).start()
deadline = time.monotonic() + 110
while not list((session.PROJECT / "Experiments").glob("*/.summary.json")) and time.monotonic() < deadline:
    time.sleep(0.1)
if sys.argv[1:] == ["by-signal"]:
    while sum(one["state"] == "FINISHED" for one in combinations()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)
while len(list((session.PROJECT / "Experiments").glob("*/.trials/*.json"))) < 2 and time.monotonic() < deadline:
    time.sleep(0.1)
