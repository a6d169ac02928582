"""An experiment of a project whose files lie on HDFS."""

# ruff: noqa: T201  # a scenario prints what it found

from __future__ import annotations

import json
from pathlib import Path

import session
from hops import experiment, hdfs, tensorboard

spark = session.start("local[2]")
hdfs.dump("1\n2\n3\n", "Resources/numbers.csv")


def train(a):
    print(f"a is {a}")
    Path(tensorboard.logdir(), "events").write_text("x")
    Path("model.bin").write_bytes(b"weights")
    if a == 3:
        raise KeyError("no such column")
    return {"accuracy": a * len(hdfs.load("Resources/numbers.csv").split()), "model": "model.bin"}


result = experiment.grid_search(train, {"a": [1, 2, 3]}, optimization_key="accuracy")
logdir, best, outputs = result
evolved = experiment.differential_evolution(lambda x: x, {"x": [0.0, 1.0]}, generations=2, population=4)
tensorboard.visualize(logdir)
print(
    json.dumps(
        {
            "logdir": logdir,
            "best": best,
            "outputs": outputs,
            "states": [trial.state for trial in result.trials],
            "files": [path.removeprefix(f"{logdir}/") for path in hdfs.ls(logdir, recursive=True)],
            "summary": json.loads(hdfs.load(f"{logdir}/.summary.json")),
            "log": hdfs.load(f"{logdir}/a=1/output.log").decode(),
            "traceback": hdfs.load(f"{logdir}/a=3/output.log").decode(),
            "model": hdfs.load(outputs["model"]).decode(),
            "owner": hdfs.stat(f"{logdir}/a=1/output.log").st_uid,
            "rows": spark.read.csv(hdfs.abs_path("Resources/numbers.csv")).count(),
            "evolved": len(evolved.trials),
            "folders": [path.rpartition("/")[2] for path in hdfs.ls(evolved.logdir)],
        }
    )
)
