"""One Spark job: a task for each trial."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hops.experiment.plan import RunPlan, TrialPlan

# Workers are shared by jobs with the same variables only: this one keeps them clean of what other cells imported.
WORKER_VARIABLE = "HOPS_EXPERIMENT_WORKER"
CANCEL_PATIENCE_S = 30


class FunctionError(TypeError):
    """The function can't be sent to the executors."""


class TrialJob:
    """A Spark job that runs trials in the background: the notebook's own thread stays free to be interrupted."""

    def __init__(self, context: Any, group: str, description: str) -> None:
        self._context = context
        self._group = group
        self._description = description
        self.ended = threading.Event()
        self.error: Exception | None = None
        self.unstored: list[bytes] = []  # records that found no place in the run's folder

    def start(self, function: Callable[..., Any], run: RunPlan, trials: Sequence[TrialPlan]) -> None:
        """Submits the job."""
        from pyspark import InheritableThread

        InheritableThread(target=self._run, args=(function, run, list(trials)), daemon=True).start()

    def cancel(self) -> None:
        """Ends the job and its tasks, and waits until Spark says that they have ended."""
        canceller = threading.Thread(target=self._context.cancelJobGroup, args=(self._group,), daemon=True)
        canceller.start()
        self.ended.wait(CANCEL_PATIENCE_S)

    def _run(self, function: Callable[..., Any], run: RunPlan, trials: list[TrialPlan]) -> None:
        try:
            # Here, not earlier: pyspark notes for each thread which broadcast variables a function holds.
            run = replace(run, function=serialised(function))
        except FunctionError as error:
            self.error = error
            self.ended.set()
            return
        from hops.experiment.attend import attendant

        environment = self._context.environment
        environment[WORKER_VARIABLE] = "1"
        try:
            self._context.setJobGroup(self._group, self._description, interruptOnCancel=True)
            tasks = self._context.parallelize(trials, len(trials)).mapPartitions(attendant(run))
            self.unstored = tasks.collect()
        except Exception as error:  # noqa: BLE001  # whoever waits for the job decides
            self.error = error
        finally:
            environment.pop(WORKER_VARIABLE, None)
            self.ended.set()


def to_its_end(work: Callable[[], object]) -> None:
    """Does what must not be left half done, however often Ctrl-C is pressed meanwhile.

    Interrupts are raised in the main thread only, so the work is done in another.
    """
    failures: list[BaseException] = []
    done, begun, pressed = threading.Event(), threading.Lock(), False

    def guarded() -> None:
        if not begun.acquire(blocking=False):
            return
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that waits
            failures.append(error)
        finally:
            done.set()

    # Not Thread.join: interrupted, it takes the thread for ended (https://github.com/python/cpython/issues/90882).
    while not done.is_set():
        try:
            if pressed:
                pressed = False
                print("The experiment is being stopped already; what is done is kept.", file=sys.stderr)
            if not begun.locked():  # an interrupt can come while it is started; a second one ends at once
                threading.Thread(target=guarded).start()
            done.wait()
        except KeyboardInterrupt:
            pressed = True
    if failures:
        raise failures[0]


def serialised(function: Any) -> bytes:
    """``function`` as bytes.

    Raises:
        FunctionError: It holds something that can't leave this process.
    """
    from pyspark import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(function)
    except Exception as error:  # any type: it comes from whatever object the function holds
        name = getattr(function, "__name__", "The function")
        raise FunctionError(
            f"{name} can't be sent to the executors, because something it uses can't leave this process "
            f"({type(error).__name__}: {' '.join(str(error).split())[:300]}). The Spark session, open files and "
            "locks are such things: make them inside the function, or pass plain values."
        ) from error
    return data
