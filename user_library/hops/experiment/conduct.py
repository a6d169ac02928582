"""Conducts a run in the driver: submits its trials, follows them, keeps the summary."""

from __future__ import annotations

import atexit
import itertools
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hops import _session
from hops._storage import Location, locate
from hops.errors import HopsError
from hops.experiment import names, outcome
from hops.experiment.combinations import Parameters, in_signature_order
from hops.experiment.job import FunctionError, TrialJob, serialised, to_its_end
from hops.experiment.plan import RunPlan, TrialPlan
from hops.experiment.progress import Progress, ProgressDisplay
from hops.experiment.records import Direction, State, Trial, best_of, dump
from hops.experiment.result import Run

JOBS_PER_BATCH = 3
NO_NAME = "no-name"
_POLL_LOCAL_S = 0.1
_POLL_REMOTE_S = 1.0
_IDLE_FACTOR = 5
_SUMMARY_PERIOD_S = 2.0
# Of 10,000 trials it is megabytes: writing it may take a twentieth of the time at most.
_SUMMARY_SHARE = 20

_running = threading.Lock()
_run_ids = itertools.count(1)


class ExperimentError(HopsError):
    """No trial of an experiment ended well."""


@dataclass(frozen=True)
class Wish:
    """What was asked for: the parts that all kinds of runs share."""

    function: Callable[..., Any]
    kind: str
    name: str = NO_NAME
    description: str | None = None
    local_logdir: bool = False
    direction: Direction = Direction.MAX
    metric_key: str | None = None
    metric_required: bool = False

    @property
    def own_name(self) -> str:
        """The name, if one was given."""
        return "" if self.name == NO_NAME else self.name


@dataclass
class Conductor:
    """A run that is under way."""

    wish: Wish
    context: Any
    root: Location
    path: str
    run_id: str
    plan: RunPlan
    display: ProgressDisplay = field(default_factory=ProgressDisplay)
    trials: list[Trial] = field(default_factory=list)
    expected: int = 0
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _trials_begun: int = field(default=0, init=False)
    _summary_stale: bool = field(default=False, init=False)
    _summary_due: float = field(default=0.0, init=False)
    _summary_writing: threading.Lock = field(default_factory=threading.Lock, init=False)
    _over: bool = field(default=False, init=False)

    def run(self, combinations: Sequence[Parameters], generation: int | None = None) -> list[Trial]:
        """Runs one trial for each combination and waits for all of them.

        Returns:
            The trials, in the order of the combinations; failed ones included.
        """
        plans = self._plans(combinations, generation)
        batch = [Trial(plan.index, dict(plan.shown), plan.path, generation=generation) for plan in plans]
        self.trials += batch
        open_plans, round_number = plans, 0
        while open_plans:
            error = self._submit(replace(self.plan, earlier=round_number), open_plans)
            round_number += 1
            open_plans = [plan for plan in open_plans if self.trials[plan.index].state is State.RUNNING]
            if not open_plans:
                break
            if isinstance(error, FunctionError):
                raise error
            if _is_cancellation(error):
                raise KeyboardInterrupt("The experiment's Spark job was cancelled.")
            if round_number == JOBS_PER_BATCH:
                for plan in open_plans:
                    self.trials[plan.index].state = State.FAILED
                    self.trials[plan.index].error = f"Spark gave up: {_first_line(error)}"
        return self.trials[plans[0].index :]

    def result(self) -> Run:
        """What is returned to the caller."""
        session = _session.current()
        return Run(
            str(self.root),
            self.path,
            self.trials,
            direction=self.wish.direction,
            metric_key=self.wish.metric_key,
            name=self.wish.own_name,
            server_prefix=session.server_prefix,
        )

    def write_summary(self, state: State) -> None:
        """Writes ``.summary.json``; once the run has ended, nothing makes it one that runs."""
        with self._summary_writing:
            if self._over and state is State.RUNNING:
                return
            self._over = state is not State.RUNNING
            began = time.monotonic()
            self._summary_stale = False
            self.root.child(names.SUMMARY_FILE).write(dump(self._summary(state)))
            took = time.monotonic() - began
            self._summary_due = time.monotonic() + max(_SUMMARY_PERIOD_S, took * _SUMMARY_SHARE)

    def collect(self) -> None:
        """Takes up what has ended; what has not is marked as killed."""
        self._collect()
        for trial in self.trials:
            if trial.state is State.RUNNING:
                trial.state = State.KILLED

    def _keep_summary(self) -> None:
        """Tells of the trials that have ended meanwhile: a driver that is killed can tell of nothing more."""
        if not self._summary_stale or time.monotonic() < self._summary_due:
            return
        try:
            self.write_summary(State.RUNNING)
        except OSError:
            # What holds up the summary must not end the trials; the last one is told of if it fails as well.
            self._summary_stale, self._summary_due = True, time.monotonic() + _SUMMARY_PERIOD_S

    def _summary(self, state: State) -> dict[str, Any]:
        best = best_of(self.trials, self.wish.direction)
        return {
            "id": self.run_id,
            "name": self.wish.name,
            "description": self.wish.description,
            "function": getattr(self.wish.function, "__name__", "function"),
            "type": self.wish.kind,
            "state": state,
            "direction": self.wish.direction,
            "optimization_key": self.wish.metric_key,
            "started": self.started.isoformat(),
            "seconds": round((datetime.now(UTC) - self.started).total_seconds(), 3),
            "best": None if best is None else {"path": best.path, "parameters": best.parameters, "metric": best.metric},
            "combinations": [_summarised(trial) for trial in self.trials],
        }

    def _plans(self, combinations: Sequence[Parameters], generation: int | None) -> list[TrialPlan]:
        order = in_signature_order(self.wish.function, list(combinations[0]))
        ordered = [{name: parameters[name] for name in order} for parameters in combinations]
        prefix = "" if generation is None else f"generation.{generation}/"
        first = len(self.trials)
        return [
            TrialPlan(
                index,
                f"{prefix}{name}",
                f"{self.path}/{prefix}{name}".rstrip("/"),
                serialised(parameters),
                {
                    key: outcome.plain(names.shown(value) if callable(value) else value)
                    for key, value in parameters.items()
                },
                generation,
            )
            for index, name, parameters in zip(
                itertools.count(first), names.unique_names(ordered), ordered, strict=False
            )
        ]

    def _submit(self, plan: RunPlan, trials: Sequence[TrialPlan]) -> Exception | None:
        job = TrialJob(self.context, f"hops-{self.run_id}", f"{self.wish.kind} {self.wish.name}")
        job.start(self.wish.function, plan, trials)
        try:
            self._follow(job)
        except BaseException:
            # Ctrl-C: what runs is ended, what has ended is kept.
            to_its_end(job.cancel)
            to_its_end(self._collect)
            to_its_end(lambda: self._show(final=True))
            raise
        self._collect()
        for record in job.unstored:
            trial = Trial.from_json(record)
            self.trials[trial.index] = trial
            self._summary_stale = True
        self._keep_summary()
        self._show(final=True)
        return job.error

    def _follow(self, job: TrialJob) -> None:
        pause = base = _POLL_LOCAL_S if self.root.is_local else _POLL_REMOTE_S
        while not job.ended.wait(pause):
            changed = self._collect()
            self._keep_summary()
            pause = base if changed else min(pause * 1.5, base * _IDLE_FACTOR)
            self._show()

    def _collect(self) -> bool:
        """Takes up the records that have come since; whether there were any."""
        records = self.root.child(names.RECORDS_FOLDER)
        present = set(records.names())
        changed = False
        for index, trial in enumerate(self.trials):
            if trial.state is State.RUNNING and f"{index}.json" in present:
                self.trials[index] = Trial.from_json(records.child(f"{index}.json").read())
                changed = True
        self._summary_stale |= changed
        self._trials_begun = sum(name.endswith(".running") for name in present)
        return changed

    def _show(self, *, final: bool = False) -> None:
        ended = sum(trial.state is not State.RUNNING for trial in self.trials)
        failed = sum(trial.state is State.FAILED for trial in self.trials)
        best = best_of(self.trials, self.wish.direction)
        label = self.wish.kind.replace("_", " ")
        if self.wish.own_name:
            label += f" {self.wish.own_name}"
        if best is not None:
            label += f", best {self.wish.metric_key or outcome.METRIC} {best.metric:.6g}"
        running = max(self._trials_begun - ended, 0)
        progress = Progress(max(self.expected, len(self.trials)), ended, failed, 0 if final else running, label)
        self.display.show(progress, final=final)


@contextmanager
def conducted(wish: Wish, arguments: Sequence[str]) -> Iterator[Conductor]:
    """A run of trials with these arguments, from its folder to its last summary.

    Raises:
        TypeError: There is no function, or it takes other arguments.
        RuntimeError: Another experiment runs in this session, or the session starts tasks twice.
        ExperimentError: No trial ended well.
        MetricError: No trial returned a metric.
    """
    if not callable(wish.function):
        raise TypeError(f"A function to train with is needed, not {type(wish.function).__name__}.")
    # Before anything is started: a slip of the pen is told at once, and also where there is no Spark.
    in_signature_order(wish.function, arguments)
    if not _running.acquire(blocking=False):
        raise RuntimeError("An experiment is currently running")
    try:
        conductor = _begin(wish)

        def at_exit() -> None:
            conductor.collect()
            _end(conductor, State.KILLED)

        # The interpreter does not wait for an experiment in a daemon thread.
        atexit.register(at_exit)
        try:
            yield conductor
        except BaseException as error:
            killed = not isinstance(error, Exception)
            for trial in conductor.trials:
                if trial.state is State.RUNNING:
                    trial.state = State.KILLED
            to_its_end(lambda: _end(conductor, State.KILLED if killed else State.FAILED))
            if killed:
                print(f"The experiment was stopped. What is done lies in {conductor.path}.", file=sys.stderr)
            raise
        finally:
            atexit.unregister(at_exit)
        ended_well = any(trial.state is State.FINISHED for trial in conductor.trials)
        _end(conductor, State.FINISHED if ended_well else State.FAILED)
        if not ended_well:
            raise _failure(conductor)
    finally:
        _running.release()


def _begin(wish: Wish) -> Conductor:
    context = _session.spark_session().sparkContext
    if context.getConf().get("spark.speculation", "false").lower() == "true":
        raise RuntimeError("spark.speculation would run a trial twice at once. Start the session without it.")
    root, path, run_id = _new_folder(os.environ.get("HOPS_APP_ID") or context.applicationId)
    plan = RunPlan(
        root=str(root),
        function=b"",
        metric_key=wish.metric_key,
        metric_required=wish.metric_required,
        local_logdir=wish.local_logdir,
        tries=_tries(context),
        variables=_session.forwarded_variables(),
        import_path=_import_path(),
    )
    conductor = Conductor(wish, context, root, path, run_id, plan)
    root.child(names.RECORDS_FOLDER).make_folder()
    conductor.write_summary(State.RUNNING)
    return conductor


def _end(conductor: Conductor, state: State) -> None:
    try:
        conductor.write_summary(state)
    except OSError as error:
        # The results are in hand: they are not given up for the file that would tell of them.
        reason = outcome.storage_error(error)
        print(f"The summary of {conductor.path} could not be written. {reason}", file=sys.stderr)
        return
    conductor.root.child(names.RECORDS_FOLDER).remove()


def _failure(conductor: Conductor) -> Exception:
    trials = conductor.trials
    first = trials[0].error or "nothing is known of the reason"
    if all(trial.error and trial.error.startswith(outcome.NO_METRIC) for trial in trials):
        return outcome.MetricError(first)
    logs = f"Logs and the summary lie in {conductor.path}."
    if len(trials) == 1:
        return ExperimentError(f"The trial failed: {first}\n{logs}")
    lines = [f"  {trial.path.rsplit('/', 1)[-1]}: {trial.error}" for trial in trials[:5]]
    more = [f"  … and {len(trials) - 5} more"] if len(trials) > 5 else []  # noqa: PLR2004
    return ExperimentError("\n".join([f"All {len(trials)} trials failed.", *lines, *more, logs]))


def _new_folder(application: str) -> tuple[Location, str, str]:
    """A new run's folder: the location, the path seen from the project, the run's id."""
    while True:
        run_id = f"{names.escape(application)}_{next(_run_ids)}"
        path = f"{names.EXPERIMENTS}/{run_id}"
        root = locate(path)
        if not root.exists():
            root.make_folder()
            return root, path, run_id


def _tries(context: Any) -> int:
    """How often Spark starts a task before it gives the whole job up."""
    master = re.fullmatch(r"local(?:\[[^,\]]*(?:,\s*(\d+))?\])?", context.master)
    if master:
        return int(master[1] or 1)
    return int(context.getConf().get("spark.task.maxFailures", "4"))


def _import_path() -> tuple[str, ...]:
    folder = os.getcwd()  # noqa: PTH109
    return (folder,)


def _is_cancellation(error: Exception | None) -> bool:
    return error is not None and "cancelled" in _first_line(error)


def _first_line(error: Exception | None) -> str:
    if error is None:
        return "its job ended without results."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Job aborted" in line or "cancelled" in line]
    # Of a task that failed in Python, the last line of its traceback says why; Java's names have dots in them.
    raised = [line for line in lines if re.match(r"[A-Z]\w*(Error|Exception): ", line)]
    if told and raised:
        cause = re.sub(r": '[^']*'$", "", raised[-1])
        return f"{cause[:200]} ({told[0][:300]})"
    java = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (told or java[-1:] or lines or [type(error).__name__])[0][:500]


def _summarised(trial: Trial) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "parameters": trial.parameters,
        "outputs": trial.outputs,
        "metric": trial.metric,
        "state": trial.state,
        "path": trial.path,
        "seconds": trial.seconds,
        "attempts": trial.attempts,
        "host": trial.host,
        "gpus": trial.gpus,
    }
    if trial.generation is not None:
        summary["generation"] = trial.generation
    if trial.error:
        summary["error"] = trial.error
    return summary
