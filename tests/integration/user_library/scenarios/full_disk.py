"""A project's disk that is full in the middle of an experiment, and has room again afterwards."""

# ruff: noqa: T201  # a scenario prints what it found

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import session
from hops import experiment

spark = session.start("local[2]")
EXPERIMENTS = session.PROJECT / "Experiments"


def train(a):
    if a == 2:
        # The others have ended by then: they are what must not be lost.
        while len(list(EXPERIMENTS.glob("*/*/.metric"))) < 2:
            time.sleep(0.1)
        with Path(os.environ["TENSORBOARD_LOGDIR"], "events").open("wb", buffering=0) as events:
            while True:
                events.write(bytes(4096))
    return a


run = experiment.grid_search(train, {"a": [1, 2, 3]})
(first,) = EXPERIMENTS.iterdir()
found = {
    "trials": [[trial.state, trial.metric, trial.error] for trial in run.trials],
    "metrics": sorted(path.parent.name for path in first.glob("*/.metric")),
    "room": os.statvfs(first).f_bavail,
}
(first / "a=2" / "events").unlink()
found["after"] = experiment.launch(lambda: 5)[1]["metric"]
print(json.dumps(found))
