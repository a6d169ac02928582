"""Differential evolution (DE/rand/1/bin of Storn and Price, 1997) over boundaries and categories.

Law: the evolution only proposes and compares; what evaluates a population is given from outside.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hops.experiment.combinations import Parameters, check_boundary, is_number, random_between
from hops.experiment.records import Direction

MIN_POPULATION = 4
MAX_GENERATIONS = 1000

Evaluate = Callable[[list[Parameters], int], list[float | None]]


@dataclass(frozen=True)
class Evolution:
    """What a differential evolution searches, and how.

    Attributes:
        space: Argument → ``[low, high]``, or a list of categories.
        direction: Whether to maximise or to minimise.
        generations: Number of populations that are evaluated, the first one included.
        population: Members of a population.
        mutation: Weight of the difference between two members.
        crossover: Probability that a value comes from the mutant.
    """

    space: Mapping[str, Sequence[Any]]
    direction: Direction
    generations: int = 4
    population: int = 6
    mutation: float = 0.5
    crossover: float = 0.7

    def __post_init__(self) -> None:
        if not isinstance(self.space, Mapping) or not self.space:
            raise ValueError(
                "Give a dictionary from the function's argument names to [low, high] or to lists of categories."
            )
        for name, values in self.space.items():
            if isinstance(values, str | bytes) or not hasattr(values, "__len__") or len(values) == 0:
                raise ValueError(f"{name!r} needs [low, high] or a list of categories.")
            if _is_range(values):
                check_boundary(name, _aligned(values))
        if self.population < MIN_POPULATION:
            raise ValueError(f"The population must have at least {MIN_POPULATION} members, not {self.population}.")
        if not 1 <= self.generations <= MAX_GENERATIONS:
            raise ValueError(f"generations must be between 1 and {MAX_GENERATIONS}, not {self.generations}.")
        if not 0 <= self.crossover <= 1 or not 0 <= self.mutation <= 2:  # noqa: PLR2004
            raise ValueError("crossover must be between 0 and 1, and mutation between 0 and 2.")

    def run(self, evaluate: Evaluate, source: random.Random | None = None) -> None:
        """Evaluates one population after another; a member that was seen before keeps its metric.

        Args:
            evaluate: Gets distinct, new combinations and the generation's number, gives their metrics in this order;
                None is a combination that failed.
            source: Where chance comes from.
        """
        draw = source or random.Random()  # noqa: S311  # a search, not a secret
        known: dict[tuple[Any, ...], float | None] = {}
        members = [self._random_member(draw) for _ in range(self.population)]
        scores = self._scores(members, 0, known, evaluate)
        for generation in range(1, self.generations):
            challengers = [self._challenger(members, index, draw) for index in range(self.population)]
            challenges = self._scores(challengers, generation, known, evaluate)
            for index, (challenger, score) in enumerate(zip(challengers, challenges, strict=True)):
                if self._better(score, scores[index]):
                    members[index], scores[index] = challenger, score

    def _scores(
        self, members: list[Parameters], generation: int, known: dict[tuple[Any, ...], float | None], evaluate: Evaluate
    ) -> list[float | None]:
        new = {_key(member): member for member in members if _key(member) not in known}
        if new:
            known.update(zip(new, evaluate(list(new.values()), generation), strict=True))
        return [known[_key(member)] for member in members]

    def _random_member(self, draw: random.Random) -> Parameters:
        return {
            name: random_between(_aligned(values), draw) if _is_range(values) else draw.choice(list(values))
            for name, values in self.space.items()
        }

    def _challenger(self, members: list[Parameters], index: int, draw: random.Random) -> Parameters:
        base, plus, minus = draw.sample([member for other, member in enumerate(members) if other != index], 3)
        certain = draw.choice(list(self.space))
        challenger = {}
        for name, values in self.space.items():
            if name != certain and draw.random() >= self.crossover:
                challenger[name] = members[index][name]
            elif _is_range(values):
                challenger[name] = self._mutant(_aligned(values), base[name], plus[name] - minus[name])
            else:
                choices = list(values)
                places = [choices.index(member[name]) for member in (base, plus, minus)]
                challenger[name] = choices[round(places[0] + self.mutation * (places[1] - places[2])) % len(choices)]
        return challenger

    def _mutant(self, boundary: Sequence[Any], base: float, difference: float) -> Any:
        low, high = boundary
        value = min(max(base + self.mutation * difference, low), high)
        return round(value) if isinstance(low, int) else value

    def _better(self, score: float | None, than: float | None) -> bool:
        if score is None or math.isnan(score):
            return False
        if than is None or math.isnan(than):
            return True
        return score >= than if self.direction is Direction.MAX else score <= than


def _is_range(values: Sequence[Any]) -> bool:
    return len(values) == 2 and all(is_number(value) for value in values)  # noqa: PLR2004


def _aligned(values: Sequence[Any]) -> list[Any]:
    """Both boundaries in the type of the first: ``[0.1, 1]`` means ``[0.1, 1.0]``."""
    low, high = values
    return [low, float(high)] if isinstance(low, float) else [low, int(high) if high == int(high) else high]


def _key(member: Parameters) -> tuple[Any, ...]:
    return tuple(repr(value) for value in member.values())
