"""The process of one trial: calls the user's function and says what came of it through a pipe.

Each trial runs in a fork of a Spark worker that never saw users' code. So a trial finds no TensorFlow state, no
environment and no folder of an earlier one, its memory is given back at its end, and whatever ends the process
(a crash, ``sys.exit``, the kernel's memory guard) ends this trial only.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import json
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hops.experiment import combinations, hparams, outcome
from hops.experiment.plan import RunPlan, TrialPlan

LOGDIR_VARIABLE = "TENSORBOARD_LOGDIR"
MAX_RESULT_BYTES = 16 * 1024 * 1024

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A trial's process, and the file descriptors that it is heard through.

    Attributes:
        pid: The process's id.
        output: Its standard output and error.
        result: What came of the trial, as JSON, once the function has returned.
    """

    pid: int
    output: int
    result: int


def start(run: RunPlan, trial: TrialPlan, *, folder: Path, variables: Mapping[str, str]) -> ChildProcess:
    """Starts the trial's process.

    Args:
        run: What all trials share.
        trial: This trial.
        folder: Empty folder that becomes the process's working folder.
        variables: Variables of this trial, on top of the run's.
    """
    output, printed = os.pipe()
    result, said = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(printed)
        os.close(said)
        return ChildProcess(pid, output, result)
    status = 1
    try:
        os.close(output)
        os.close(result)
        _prepare(parent, printed, {**run.variables, **variables}, run.import_path, folder)
        with os.fdopen(said, "wb") as pipe:
            pipe.write(_short_enough(_call(run, trial)))
        status = 0
    except BaseException:  # noqa: BLE001  # nothing may get back into Spark's worker, whose copy this process is
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _prepare(parent: int, output: int, variables: Mapping[str, str], import_path: Sequence[str], folder: Path) -> None:
    os.setpgid(0, 0)
    with contextlib.suppress(OSError, AttributeError):  # other systems than Linux have no such call
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver interrupts trials by ending their tasks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    silence = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, silence), (1, output), (2, output)):
        os.dup2(source, target)
    sys.stdout = io.TextIOWrapper(
        os.fdopen(1, "wb", closefd=False), encoding="utf-8", errors="replace", line_buffering=True
    )
    sys.stderr = io.TextIOWrapper(
        os.fdopen(2, "wb", closefd=False), encoding="utf-8", errors="replace", line_buffering=True
    )
    faulthandler.enable(file=sys.stderr)
    os.environ.update(variables)
    sys.path[:] = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100  # '' means the working folder
    sys.path.extend(entry for entry in import_path if entry not in sys.path)
    os.chdir(folder)


def _call(run: RunPlan, trial: TrialPlan) -> dict[str, Any]:
    """What came of the trial: ``outputs`` and ``metric``, or ``error`` and ``kind``."""
    try:
        function = pickle.loads(run.function)  # noqa: S301  # the user's own code, from the user's own driver
        arguments = pickle.loads(trial.arguments)  # noqa: S301
        outputs = outcome.outputs_of(combinations.call(function, arguments))
        metric = outcome.metric_of(outputs, run.metric_key, required=run.metric_required)
    except outcome.MetricError as error:
        print(error, file=sys.stderr)
        return {"error": str(error), "kind": type(error).__name__}
    except SystemExit as error:
        print(f"The function ended its process: {error!r}", file=sys.stderr)
        return {"error": f"The function called sys.exit({error.code!r}); return instead.", "kind": "SystemExit"}
    except BaseException as error:  # noqa: BLE001  # whatever the user's code raises is this trial's outcome
        traceback.print_exc()
        return {"error": _one_line(error), "kind": type(error).__name__}
    _show_parameters(run, trial, metric)
    return {"outputs": outputs, "metric": None if metric is None else str(metric)}


def _show_parameters(run: RunPlan, trial: TrialPlan, metric: float | None) -> None:
    """Tells TensorBoard; what the trial gave is not given up where that fails."""
    try:
        hparams.write(
            Path(os.environ[LOGDIR_VARIABLE]), trial.shown, tag=run.metric_key or outcome.METRIC, metric=metric
        )
    except Exception as error:  # noqa: BLE001  # of many versions of TensorFlow, in whatever mode the function left it
        print(f"TensorBoard's page HPARAMS won't show this trial: {_one_line(error)}", file=sys.stderr)


def _short_enough(result: Mapping[str, Any]) -> bytes:
    """The result as it is sent, or the error that it is too long."""
    data = json.dumps(result).encode()
    if len(data) <= MAX_RESULT_BYTES:
        return data
    error = (
        f"The function returned more than {MAX_RESULT_BYTES} bytes. Write large results to a file of the working "
        "folder and return its name: it is then kept in the trial's folder."
    )
    print(error, file=sys.stderr)
    return json.dumps({"error": error, "kind": "ValueError"}).encode()


def _one_line(error: BaseException) -> str:
    lines = traceback.format_exception_only(error)
    return " ".join("".join(lines).split())[:2000]
