"""What the functions of :mod:`hops.experiment` return."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import quote

from hops.experiment import names
from hops.experiment.outcome import METRIC
from hops.experiment.records import Direction, Trial, best_of

MAX_ROWS = 500
MAX_OUTPUTS = 8


class Run:
    """A finished run: its trials, the best of them, and where everything lies.

    Attributes:
        logdir: The run's folder.
        path: The run's folder, seen from the project.
        trials: All trials, in the order they were asked for.
        direction: Whether the greatest or the smallest metric is the best.
        metric_key: Output that is the metric.
        name: The experiment's name; may be empty.
        server_prefix: Path of the notebook server in the browser, for links.
    """

    def __init__(
        self,
        logdir: str,
        path: str,
        trials: Sequence[Trial],
        *,
        direction: Direction = Direction.MAX,
        metric_key: str | None = None,
        name: str = "",
        server_prefix: str = "",
    ) -> None:
        self.logdir = logdir
        self.path = path
        self.trials = list(trials)
        self.direction = direction
        self.metric_key = metric_key
        self.name = name
        self.server_prefix = server_prefix

    @property
    def best(self) -> Trial | None:
        """The best trial that ended well, if any has a metric."""
        return best_of(self.trials, self.direction)

    def to_html(self) -> str:
        """A table of the trials, the best first."""
        keys = list(dict.fromkeys(key for trial in self.trials for key in trial.parameters))
        outputs = self._shown_outputs()
        metric = [self.metric_key or METRIC] if any(trial.metric is not None for trial in self.trials) else []
        titles = [*keys, *metric, *outputs, "state", "seconds", "log"]
        head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in titles)
        rows = "".join(self._row(trial, keys, outputs, with_metric=bool(metric)) for trial in self._sorted()[:MAX_ROWS])
        left = len(self.trials) - MAX_ROWS
        more = f"<p>{left} more in {names.SUMMARY_FILE}</p>" if left > 0 else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        name = f"<strong>{html.escape(self.name)}</strong> " if self.name else ""
        return f"<p>{name}<code>{html.escape(self.path)}</code></p>{table}{more}"

    def _shown_outputs(self) -> list[str]:
        """Names of outputs that are numbers, besides the metric; so many that the table stays one."""
        metric = self.metric_key or METRIC
        names_of_numbers = dict.fromkeys(
            key
            for trial in self.trials
            for key, value in trial.outputs.items()
            if key != metric and isinstance(value, int | float) and not isinstance(value, bool)
        )
        return list(names_of_numbers)[:MAX_OUTPUTS]

    def _sorted(self) -> list[Trial]:
        sign = -1 if self.direction is Direction.MAX else 1
        return sorted(self.trials, key=lambda t: (0, sign * (t.metric or 0.0)) if t.comparable else (1, t.index))

    def _row(self, trial: Trial, keys: Sequence[str], outputs: Sequence[str], *, with_metric: bool) -> str:
        cells = [html.escape(str(trial.parameters.get(key, ""))) for key in keys]
        if with_metric:
            cells.append("" if trial.metric is None else f"{trial.metric:.6g}")
        cells += ["" if trial.outputs.get(key) is None else html.escape(_short(trial.outputs[key])) for key in outputs]
        cells.append(html.escape(trial.state) + (f": {html.escape(trial.error)}" if trial.error else ""))
        cells.append("" if trial.seconds is None else f"{trial.seconds:.1f}")
        cells.append(self._log_link(trial))
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

    def _log_link(self, trial: Trial) -> str:
        path = f"{trial.path}/{names.LOG_FILE}"
        if not self.server_prefix:
            return f"<code>{html.escape(path)}</code>"
        address = f"{self.server_prefix.rstrip('/')}/lab/tree/{quote(path)}"
        return f'<a href="{html.escape(address)}" target="_blank" rel="noopener">{names.LOG_FILE}</a>'


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class RunDirectory(str):
    """A run's directory as a text, for calls of the old shape ``launch(spark, …)``; knows its run besides."""

    __slots__ = ("run",)
    run: Run

    def __new__(cls, run: Run) -> Self:
        """The directory of ``run``."""
        text = super().__new__(cls, run.logdir)
        text.run = run
        return text

    @property
    def trials(self) -> list[Trial]:
        """All trials."""
        return self.run.trials

    def _repr_html_(self) -> str:
        return self.run.to_html()


class _Result(tuple[Any, ...]):  # noqa: SLOT001  # a tuple that carries its run
    run: Run

    def __new__(cls, run: Run) -> Self:
        result = super().__new__(cls, (run.logdir, *cls._values(run)))
        result.run = run
        return result

    @staticmethod
    def _values(run: Run) -> tuple[Any, ...]:
        raise NotImplementedError

    @property
    def logdir(self) -> str:
        """The run's folder."""
        return self.run.logdir

    @property
    def trials(self) -> list[Trial]:
        """All trials."""
        return self.run.trials

    def _repr_html_(self) -> str:
        return self.run.to_html()


class LaunchResult(_Result):
    """``(logdir, outputs)`` of a launch.

    With one trial, ``outputs`` is what it returned; with several, a dictionary from each trial's folder to what
    that trial returned.
    """

    @staticmethod
    def _values(run: Run) -> tuple[Any, ...]:
        if len(run.trials) == 1:
            return (run.trials[0].outputs,)
        return ({trial.path.removeprefix(f"{run.path}/"): trial.outputs for trial in run.trials},)


class SearchResult(_Result):
    """``(logdir, best_parameters, best_outputs)`` of a search."""

    @staticmethod
    def _values(run: Run) -> tuple[Any, ...]:
        best = run.best
        return (best.parameters, best.outputs) if best else ({}, {})

    @property
    def best(self) -> Trial | None:
        """The best trial."""
        return self.run.best
