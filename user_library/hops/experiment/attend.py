"""Runs in a Spark task: starts a trial's process, listens to it, and stores what came of it."""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from hops._storage import Location, locate
from hops.experiment import child, names, outcome
from hops.experiment.journal import Journal
from hops.experiment.listening import listen
from hops.experiment.plan import RunPlan, TrialPlan
from hops.experiment.records import State, Trial, dump

GPU = "gpu"


def attendant(run: RunPlan) -> Callable[[Iterable[TrialPlan]], Iterator[bytes]]:
    """The function that Spark calls for each partition; it yields the records that could not be stored."""

    def attend_all(trials: Iterable[TrialPlan]) -> Iterator[bytes]:
        from pyspark import TaskContext

        _settle()
        task = TaskContext.get()
        resources = task.resources() or {} if task else {}
        gpus = list(resources[GPU].addresses) if GPU in resources else []
        for trial in trials:
            unstored = attend(run, trial, attempt=task.attemptNumber() if task else 0, gpus=gpus)
            if unstored is not None:
                yield unstored

    return attend_all


@functools.cache
def _settle() -> None:
    """Once in a worker: what is in memory now is left alone by the collector, so that forks go on sharing it."""
    gc.collect()
    gc.freeze()


def attend(run: RunPlan, plan: TrialPlan, *, attempt: int, gpus: list[str]) -> bytes | None:
    """Runs one trial and stores its record; the user's errors end in the record, not here.

    So does a full disk: a task that failed would take the trials beside it along.

    Returns:
        The record, if there was no place to store it: Spark then carries it to the driver.
    """
    os.environ.update(run.variables)
    root = locate(run.root)
    folder = root.child(plan.folder) if plan.folder else root
    records = root.child(names.RECORDS_FOLDER)
    trial = Trial(
        plan.index,
        dict(plan.shown),
        plan.path,
        attempts=run.earlier + attempt + 1,
        host=socket.gethostname(),
        gpus=gpus,
        generation=plan.generation,
    )
    if attempt and attempt >= run.tries - 1:
        trial.state = State.FAILED
        trial.error = (
            f"The executor of this trial was lost {attempt} times while it ran. Perhaps it needs more memory: "
            "look at the executor's memory in the server's options."
        )
        trial.attempts = attempt
        return _record(trial, folder, records)
    try:
        _attend(run, plan, trial, folder=folder, records=records)
    except OSError as error:
        trial.state, trial.error = State.FAILED, outcome.storage_error(error)
        return _record(trial, folder, records)
    return None


def _record(trial: Trial, folder: Location, records: Location) -> bytes | None:
    """Stores what became of the trial, or hands its record back if that can't be done."""
    try:
        _store(trial, folder, records)
    except OSError:
        return trial.to_json()
    return None


def _attend(run: RunPlan, plan: TrialPlan, trial: Trial, *, folder: Location, records: Location) -> None:
    if trial.attempts > 1:
        _clean(folder)
    folder.make_folder()
    folder.child(names.HYPERPARAMETERS_FILE).write(dump(plan.shown))
    records.child(f"{plan.index}.running").write(b"")
    direct = folder.is_local and not run.local_logdir
    with _scratch() as work, contextlib.nullcontext(Path(folder.path)) if direct else _scratch() as logdir:
        _run(run, plan, trial, folder=folder, work=work, logdir=logdir)
        if not direct:
            _upload(logdir, folder)
        _store(trial, folder, records)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """An empty folder that is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="trial-")
    try:
        yield Path(folder)
    finally:
        try:
            os.rmdir(folder)  # noqa: PTH106  # most trials leave nothing there; this is the cheapest way to find out
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)


def _run(run: RunPlan, plan: TrialPlan, trial: Trial, *, folder: Location, work: Path, logdir: Path) -> None:
    variables = {child.LOGDIR_VARIABLE: str(logdir), "CUDA_VISIBLE_DEVICES": ",".join(trial.gpus)}
    journal = Journal(folder.child(names.LOG_FILE))
    started = time.monotonic()
    try:
        if trial.attempts > 1:
            journal.note(f"Attempt {trial.attempts}: the one before was lost with its executor.")
        process = child.start(run, plan, folder=work, variables=variables)
        code, result = listen(process, journal)
        trial.seconds = round(time.monotonic() - started, 3)
        _take_outcome(trial, result, code)
        _copy_files(trial, folder, work)
        if trial.error:
            journal.note(trial.error)
    finally:
        journal.close()


def _take_outcome(trial: Trial, said: bytes, code: int) -> None:
    try:
        result = json.loads(said)
    except ValueError:
        trial.state, trial.error = State.FAILED, _ending(code)
        return
    if "error" in result:
        trial.state, trial.error = State.FAILED, result["error"]
        return
    trial.outputs = result["outputs"]
    trial.metric = None if result["metric"] is None else float(result["metric"])
    trial.state = State.FINISHED


def _ending(code: int) -> str:
    if code == -signal.SIGKILL:
        return "The trial's process was killed (SIGKILL): perhaps it needed more memory than this machine had free."
    if code < 0:
        return f"The trial's process ended by signal {signal.Signals(-code).name}; its log holds what it said last."
    return f"The trial's process ended with exit code {code} before the function returned; its log holds the rest."


def _copy_files(trial: Trial, folder: Location, work: Path) -> None:
    """Files named in the outputs go into the trial's folder; the outputs then name them there."""
    taken = {names.LOG_FILE, names.OUTPUTS_FILE, names.METRIC_FILE, names.HYPERPARAMETERS_FILE, names.RECORDS_FOLDER}
    for key, file in outcome.files_in(trial.outputs, work).items():
        name = file.name
        while name in taken:
            name = f"_{name}"
        taken.add(name)
        target = folder.child(name)
        if not (target.is_local and Path(target.path).resolve() == file.resolve()):
            target.filesystem.put_file(str(file), target.path)
        trial.outputs[key] = f"{trial.path}/{name}"
    if trial.outputs:
        trial.outputs.setdefault("log", f"{trial.path}/{names.LOG_FILE}")


def _upload(source: Path, folder: Location) -> None:
    for file in sorted(source.rglob("*")):
        target = folder.child(*file.relative_to(source).parts)
        if file.is_dir():
            target.make_folder()
        elif file.is_file():
            target.filesystem.put_file(str(file), target.path)


def _store(trial: Trial, folder: Location, records: Location) -> None:
    outputs: dict[str, Any] = {**trial.outputs, "error": trial.error} if trial.error else trial.outputs
    folder.make_folder()
    folder.child(names.OUTPUTS_FILE).write(dump(outputs))
    if trial.metric is not None:
        folder.child(names.METRIC_FILE).write(str(trial.metric).encode())
    records.child(f"{trial.index}.json").write(trial.to_json())


def _clean(folder: Location) -> None:
    """Removes what a lost attempt left; the run's own records stay."""
    for name in folder.names():
        if name not in {names.RECORDS_FOLDER, names.SUMMARY_FILE}:
            folder.child(name).remove()
