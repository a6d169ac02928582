"""What notebooks do with ``hops.experiment`` in a session of one executor."""

# ruff: noqa: T201  # a scenario prints what it found

from __future__ import annotations

import functools
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import session
from hops import devices, experiment, hdfs, tensorboard, tflauncher, util

spark = session.start("local[2]")
found = {}


def train(a, b=2):
    hdfs.log(f"a is {a}")
    Path(tensorboard.logdir(), "events").write_text("x")
    Path("model.bin").write_bytes(b"weights")
    os.environ["LEFT_BEHIND"] = str(a)
    return {"accuracy": a * b, "model": "model.bin", "devices": devices.get_num_gpus()}


def print_only(a):
    print(a)


def sometimes(a):
    print("before the trouble")
    if a == 2:
        raise KeyError("no such column")
    if a == 3:
        os._exit(3)
    if a == 4:
        os.abort()
    if a == 5:
        return None
    return a


logdir, outputs = result = experiment.launch(train, {"a": [1, 2], "b": [3, 4]}, metric_key="accuracy")
found["launch"] = {
    "logdir": logdir,
    "outputs": outputs,
    "files": session.files_below(Path(logdir)),
    "summary": json.loads(Path(logdir, ".summary.json").read_text()),
    "log": Path(logdir, "a=1&b=3", "output.log").read_text(),
    "metric": Path(logdir, "a=2&b=4", ".metric").read_text(),
    "html": result._repr_html_(),
}
old = experiment.launch(spark, train, {"a": [1]})
found["old"] = {"text": str(old), "is_text": isinstance(old, str), "files": session.files_below(Path(old))}
found["tflauncher"] = str(tflauncher.launch(spark, lambda: None))
found["once"] = list(experiment.launch(lambda: 7))

logdir, best, outputs = experiment.grid_search(
    train, {"a": [1, 2], "b": [5, 3]}, direction="min", optimization_key="accuracy"
)
found["grid"] = {"best": best, "outputs": outputs, "trials": len(session.files_below(Path(logdir)))}
found["old_grid"] = str(experiment.grid_search(spark, lambda a: a, args_dict={"a": [1, 2]}, direction="max"))
found["random"] = list(experiment.random_search(lambda x, n: x + n, {"x": [0.0, 1.0], "n": [1, 9]}, samples=5))
evolved = experiment.differential_evolution(
    lambda x, kind: -((x - 3) ** 2) - len(kind), {"x": [-10.0, 10.0], "kind": ["a", "bbb"]}, generations=3, population=5
)
found["evolution"] = {
    "best": evolved[1],
    "metric": evolved.best.metric,
    "folders": sorted(path.name for path in Path(evolved.logdir).iterdir()),
    "first": max(trial.metric for trial in evolved.trials if trial.generation == 0),
}
cleaned = experiment.evolutionary_search(
    spark, lambda x: x, {"x": [0.0, 1.0]}, direction="max", generations=2, popsize=4, cleanup_generations=True
)
found["cleaned"] = sorted(path.name for path in Path(cleaned).iterdir())

mixed = experiment.grid_search(sometimes, {"a": [1, 2, 3, 4, 5, 6]})
found["failures"] = {
    "best": mixed[1],
    "trials": {str(trial.parameters["a"]): [trial.state, trial.error] for trial in mixed.trials},
    "traceback": Path(mixed.logdir, "a=2", "output.log").read_text(),
    "outputs": json.loads(Path(mixed.logdir, "a=2", ".outputs.json").read_text()),
    "crash": Path(mixed.logdir, "a=4", "output.log").read_text(),
}
found["left_behind"] = experiment.launch(lambda: os.environ.get("LEFT_BEHIND", "nothing"))[1]

lock = threading.Lock()
found["errors"] = {
    "unequal": session.error_of(experiment.launch, train, {"a": [1], "b": [1, 2]}),
    "unknown": session.error_of(experiment.launch, train, {"c": [1]}),
    "missing": session.error_of(experiment.launch, train, {"b": [1]}),
    "direction": session.error_of(experiment.grid_search, train, {"a": [1]}, direction="up"),
    "no_metric": session.error_of(experiment.grid_search, print_only, {"a": [1, 2]}),
    "wrong_key": session.error_of(
        experiment.grid_search, lambda a: {"loss": a}, {"a": [1]}, optimization_key="accuracy"
    ),
    "all_fail": session.error_of(experiment.launch, sometimes, {"a": [2, 3]}),
    "locked": session.error_of(experiment.launch, lambda: lock),
    "after_errors": session.error_of(experiment.launch, lambda: 1),
}
begun, go_on = Path(os.environ["HOME"], "begun"), Path(os.environ["HOME"], "go-on")


def held():
    begun.touch()
    while not go_on.exists():
        time.sleep(0.05)


thread = threading.Thread(target=experiment.launch, args=(spark, held))
thread.start()
while not begun.exists():
    time.sleep(0.05)
found["errors"]["second"] = session.error_of(experiment.launch, lambda: 1)
go_on.touch()
thread.join()
found["executors"] = util.num_executors(spark)
strange = "../../x/" + "y" * 300 + "é\n:&="
odd = experiment.launch(lambda s: s, {"s": [strange]})
found["strange"] = {
    "names": [path.name for path in Path(odd.logdir).iterdir() if path.is_dir()],
    "value": odd[1]["metric"] == strange,
}
broadcast = spark.sparkContext.broadcast({"k": 41})
found["broadcast"] = experiment.launch(lambda: broadcast.value["k"] + 1)[1]


class Net:
    """A class of the notebook; functions use it, and values are made of it."""

    def __init__(self, size):
        self.size = size

    def train(self, factor):
        return self.size * factor

    def __str__(self):
        return f"Net({self.size})"


def made_by(offset):
    def inner(a, *, b=10):
        return a + b + offset + scale

    return inner


scale = 1000
found["functions"] = {
    "closure": experiment.launch(made_by(100), {"a": [1]})[1]["metric"],
    "method": experiment.launch(Net(3).train, {"factor": [5]})[1]["metric"],
    "partial": experiment.launch(functools.partial(made_by(0), b=1), {"a": [1]})[1]["metric"],
    "any_arguments": experiment.launch(lambda **given: len(given), {"a": [1], "b": [2]})[1]["metric"],
    "built_in": experiment.launch(abs, {"x": [-4]})[1]["metric"],
}
odd_values = [{"layers": [1, 2]}, [3, 4], {5}, np.float64(0.5), None, Net(2), Net, b"x", "y" * 5000]
values = experiment.launch(lambda v: type(v).__name__, {"v": odd_values})
found["values"] = {
    "types": [trial.outputs["metric"] for trial in values.trials],
    "hparams": [json.loads(Path(hdfs.abs_path(t.path), ".hparams.json").read_text())["v"] for t in values.trials],
    "names": [trial.path.rpartition("/")[2] for trial in values.trials],
}
kept = experiment.launch(train, {"a": [1]}, local_logdir=True)
found["local_logdir"] = session.files_below(Path(kept.logdir))
print(json.dumps(found, default=str))
