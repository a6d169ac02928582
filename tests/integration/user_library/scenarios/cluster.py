"""Two executors with a declared GPU each; one executor is killed in the middle of a trial."""

# ruff: noqa: T201  # a scenario prints what it found

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import session
from hops import devices, experiment

gpus = Path(os.environ["HOME"], "gpus")
gpus.mkdir()
script = gpus / "discover.sh"
# Both workers of one machine run the same script: whoever comes first takes the first address.
script.write_text(
    f"""#!/bin/sh
for address in 0 1; do
  if mkdir {gpus}/taken-$address 2>/dev/null; then
    echo "{{\\"name\\": \\"gpu\\", \\"addresses\\": [\\"$address\\"]}}"; exit 0
  fi
done
exit 1
"""
)
script.chmod(0o755)
spark = session.start(
    "local-cluster[2,1,1024]",
    spark_worker_resource_gpu_amount="1",
    spark_worker_resource_gpu_discoveryScript=str(script),
    spark_executor_resource_gpu_amount="1",
    spark_task_resource_gpu_amount="1",
    spark_executor_memory="512m",
)
found = {}
marks = Path(os.environ["HOME"], "marks")
marks.mkdir()


def on_gpu(a):
    mine = os.environ["CUDA_VISIBLE_DEVICES"]
    holder = marks / f"gpu-{mine}"
    holder.mkdir()  # fails where another trial has the same one
    time.sleep(0.5)
    holder.rmdir()
    return {"metric": a, "gpu": mine, "count": devices.get_num_gpus()}


result = experiment.grid_search(on_gpu, {"a": list(range(6))})
found["gpus"] = [trial.outputs for trial in result.trials]
found["records"] = [trial.gpus for trial in result.trials]


def kills_its_executor(a):
    first = marks / f"attempt-{a}"
    if a == 1 and not first.exists():
        first.touch()
        Path(os.environ["TENSORBOARD_LOGDIR"], "half-written").touch()
        pid = os.getppid()  # the worker; then pyspark's daemon; then the executor
        for _ in range(2):
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(pid, signal.SIGKILL)
        time.sleep(60)
    return a


killed = experiment.grid_search(kills_its_executor, {"a": [1, 2, 3]})
found["killed"] = {
    "trials": {str(trial.parameters["a"]): [trial.state, trial.metric, trial.attempts] for trial in killed.trials},
    "files": session.files_below(Path(killed.logdir, "a=1")),
    "log": Path(killed.logdir, "a=1", "output.log").read_text(),
}
print(json.dumps(found))
