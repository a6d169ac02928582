"""What is wrong with the settings of a site: all of it at once, each by its name, and never with a secret's value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

NAME = re.compile(r"\bHOPS_[A-Z0-9_]*[A-Z0-9]\b")
_MOST = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """A setting that can't be used.

    Attributes:
        name: Its variable.
        said: What is wrong, and what may stand there, as a sentence; the same wherever it is told.
    """

    name: str
    said: str


def told_by(error: ValidationError) -> list[str]:
    """What pydantic finds wrong with variables, each as a sentence; without their values: one may be a password."""
    sentences = []
    for item in error.errors(include_input=False):
        said = item["msg"].removeprefix("Value error, ").removesuffix(".") + "."
        name = str(item["loc"][0]) if item["loc"] else ""
        named = name if name.isupper() else f"HOPS_{name.upper()}"
        sentences.append(f"{named} can't be used: {said}" if name else said)
    return sentences


def find_faults(read: Callable[[Mapping[str, str]], Sequence[str]], variables: Mapping[str, str]) -> list[Fault]:
    """All faults that a reader of settings finds, though it may tell no more than the first.

    What it complains of is left out, and it reads again. What it says then of what was left out is no news.

    Args:
        read: Tells what is wrong with variables, each as a sentence that names them; nothing where all is well.
        variables: All variables, by name.
    """
    left, out, found = dict(variables), set[str](), list[Fault]()
    for _ in range(_MOST):
        said = read(left)
        if not said:
            break
        named = {sentence: NAME.findall(sentence) for sentence in said}
        found += [
            Fault(next((name for name in names if name in left), next(iter(names), "HOPS_")), sentence)
            for sentence, names in named.items()
            if out.isdisjoint(names)
        ]
        wrong = {name for names in named.values() for name in names if name in left}
        if not wrong:
            break
        out |= wrong
        left = {name: value for name, value in left.items() if name not in wrong}
    return found
