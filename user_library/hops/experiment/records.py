"""What is known of a trial, and how it is stored."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How far a run or a trial has come."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class Direction(StrEnum):
    """Whether the best metric is the greatest or the smallest."""

    MAX = "max"
    MIN = "min"

    @classmethod
    def of(cls, text: str) -> Direction:
        """The direction of that name.

        Raises:
            ValueError: There is none.
        """
        try:
            return cls(str(text).lower())
        except ValueError:
            raise ValueError(f"Invalid direction {text}, must be max or min") from None


@dataclass
class Trial:
    """One call of the function.

    Attributes:
        index: Position in the run.
        parameters: The arguments, as JSON can hold them.
        path: The trial's folder, seen from the project.
        state: How it ended.
        outputs: What the function returned.
        metric: The number that it is compared by.
        error: Type and message of what went wrong, in one line.
        attempts: How often it was started.
        seconds: How long the last attempt took.
        host: Machine that it ran on.
        gpus: Addresses of its GPUs.
        generation: Generation of an evolution.
    """

    index: int
    parameters: dict[str, Any]
    path: str
    state: State = State.RUNNING
    outputs: dict[str, Any] = field(default_factory=dict)
    metric: float | None = None
    error: str | None = None
    attempts: int = 0
    seconds: float | None = None
    host: str = ""
    gpus: list[str] = field(default_factory=list)
    generation: int | None = None

    @property
    def comparable(self) -> bool:
        """Whether it ended well and has a metric to compare it by."""
        return self.state is State.FINISHED and self.metric is not None and not math.isnan(self.metric)

    def to_json(self) -> bytes:
        """As it is stored."""
        return dump(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Trial:
        """From what :meth:`to_json` stored."""
        values = json.loads(data)
        metric = values["metric"]
        return cls(**{**values, "state": State(values["state"]), "metric": None if metric is None else float(metric)})


def best_of(trials: Iterable[Trial], direction: Direction) -> Trial | None:
    """The best of the trials that can be compared; the first of equals."""
    choice = max if direction is Direction.MAX else min
    return choice((trial for trial in trials if trial.comparable), key=lambda trial: trial.metric or 0.0, default=None)


def dump(value: Any) -> bytes:
    """``value`` as JSON; numbers that JSON can't hold become their names."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value
