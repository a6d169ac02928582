"""What has to be true of the notebook's outputs for the walk to count as right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hopslab.demo.kernel import CellResult
from hopslab.errors import SiteError

TENSORBOARD_MIME_TYPE = "application/vnd.hops.tensorboard+json"
TRIALS = 4
LEAST_ACCURACY = 0.8
"""Ten digits: a model that has learnt nothing is right one time in ten."""
DAYS = 1461
"""Rows of the weather file: four years with a leap day."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What the experiment's cell printed.

    Attributes:
        best_accuracy: Of the best trial.
        parameters: Its parameters.
        trials: How many trials there were.
        logdir: The run's folder.
    """

    best_accuracy: float
    parameters: dict[str, Any]
    trials: int
    logdir: str


def check_cell(number: int, result: CellResult) -> None:
    """Refuse a cell that ended in an exception.

    Raises:
        SiteError: It did.
    """
    shown = [output for output in result.outputs if output["output_type"] == "error"]
    if result.error or shown:
        reason = result.error or f"{shown[0]['ename']}: {shown[0]['evalue']}"
        raise SiteError(f"Cell {number} of the notebook failed: {reason}")


def check_csv(results: Iterable[CellResult]) -> int:
    """Number of rows that Spark read from the CSV file.

    Raises:
        SiteError: It is not the file's number of rows.
    """
    for result in results:
        found = re.search(r"(\d+) days", result.stdout)
        if found and "temp_max" in result.stdout:
            if int(found[1]) != DAYS:
                raise SiteError(f"Spark read {found[1]} rows of the weather file, which has {DAYS}.")
            return DAYS
    raise SiteError("No cell showed the monthly table of the weather file.")


def check_sql(cells: Iterable[tuple[str, CellResult]]) -> int:
    """Length of the table that the ``%%sql`` cell showed, in characters.

    Raises:
        SiteError: It showed none.
    """
    for code, result in cells:
        if code.lstrip().startswith("%%sql"):
            shown = [*map(str, result.displayed("text/html")), *map(str, result.displayed("text/plain")), result.stdout]
            tables = [text for text in shown if "precipitation_mm" in text or ("2012" in text and "rain" in text)]
            if tables:
                return max(map(len, tables))
            raise SiteError("The %%sql cell showed no table.")
    raise SiteError("The notebook has no %%sql cell.")


def check_experiment(results: Iterable[CellResult]) -> Experiment:
    """The experiment's result.

    Raises:
        SiteError: It was not printed, had another number of trials, or learnt nothing.
    """
    for result in results:
        for line in result.stdout.splitlines():
            if not line.startswith("{"):
                continue
            try:
                found = json.loads(line)
                experiment = Experiment(
                    best_accuracy=float(found["best"]),
                    parameters=dict(found["parameters"]),
                    trials=int(found["trials"]),
                    logdir=str(found["logdir"]),
                )
            except (ValueError, KeyError, TypeError):
                continue
            if experiment.trials != TRIALS:
                raise SiteError(f"The experiment had {experiment.trials} trials instead of {TRIALS}.")
            if experiment.best_accuracy < LEAST_ACCURACY:
                raise SiteError(
                    f"The best accuracy is {experiment.best_accuracy:.3f}; the model has learnt too little."
                )
            return experiment
    raise SiteError("No cell printed the experiment's result.")


def tensorboard_logdir(results: Iterable[CellResult]) -> str:
    """The folder, seen from the project, that the notebook's TensorBoard link opens.

    Raises:
        SiteError: No cell showed a TensorBoard.
    """
    for result in results:
        for bundle in result.displayed(TENSORBOARD_MIME_TYPE):
            return str(bundle["logdir"])
    raise SiteError("No cell showed a TensorBoard.")


def trials_of(runs: Iterable[str]) -> set[str]:
    """The trials' folders among the names of TensorBoard's runs, ``<trial>/train`` and ``<trial>/validation``."""
    return {re.sub(r"/(train|validation)$", "", run) for run in runs}


def check_tensorboard(runs: Iterable[str]) -> list[str]:
    """The trials that TensorBoard knows.

    Raises:
        SiteError: There are not as many as the experiment had.
    """
    trials = sorted(trials_of(runs))
    if len(trials) != TRIALS:
        raise SiteError(f"TensorBoard shows {len(trials)} of {TRIALS} runs.")
    return trials
