"""Which arguments the trials of a run get: zipped lists, grids, random samples."""

from __future__ import annotations

import inspect
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Parameters = dict[str, Any]

MAX_TRIALS = 10_000
_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def zipped(arguments: Mapping[str, Sequence[Any]] | None) -> list[Parameters]:
    """One combination for each position of the lists; a single empty one without arguments.

    Raises:
        ValueError: The lists are empty, or not equally long.
    """
    if not arguments:
        return [{}]
    _check_lists(arguments)
    if len({len(values) for values in arguments.values()}) > 1:
        raise ValueError("Length of each function argument list must be equal")
    return _limited([dict(zip(arguments, values, strict=True)) for values in zip(*arguments.values(), strict=True)])


def grid(arguments: Mapping[str, Sequence[Any]]) -> list[Parameters]:
    """Every combination of the lists' values.

    Raises:
        ValueError: There is no list, or one is empty.
    """
    _check_lists(arguments)
    count = 1
    for values in arguments.values():
        count *= len(values)
    _check_count(count)
    return [dict(zip(arguments, values, strict=True)) for values in itertools.product(*arguments.values())]


def random_samples(
    boundaries: Mapping[str, Sequence[Any]], samples: int, source: random.Random | None = None
) -> list[Parameters]:
    """``samples`` random combinations between the boundaries, without duplicates.

    Raises:
        ValueError: A boundary is not ``[low, high]`` with two numbers of one type, low before high.
    """
    if samples < 1:
        raise ValueError(f"samples must be at least 1, not {samples}.")
    _check_count(samples)
    _check_lists(boundaries)
    for name, boundary in boundaries.items():
        check_boundary(name, boundary)
    draw = source or random.Random()  # noqa: S311  # a search, not a secret
    found: dict[tuple[Any, ...], Parameters] = {}
    for _ in range(samples):
        values = [random_between(boundary, draw) for boundary in boundaries.values()]
        found[tuple(values)] = dict(zip(boundaries, values, strict=True))
    return list(found.values())


def check_boundary(name: str, boundary: Sequence[Any]) -> None:
    """Raises ValueError unless ``boundary`` is ``[low, high]``."""
    if len(boundary) != 2 or not all(is_number(value) for value in boundary):  # noqa: PLR2004
        raise ValueError(f"The boundary of {name!r} must be two numbers [low, high], not {list(boundary)!r}.")
    low, high = boundary
    if type(low) is not type(high):
        raise ValueError(
            f"The two numbers of {name!r} must be of one type, not {type(low).__name__} and {type(high).__name__}."
        )
    if not low < high:
        raise ValueError(
            f"The first number of {name!r} must be smaller than the second, but {low!r} and {high!r} were given."
        )


def random_between(boundary: Sequence[Any], source: random.Random) -> Any:
    """A random number between low and high, both included; a whole one where the boundaries are whole."""
    low, high = boundary
    return source.randint(low, high) if isinstance(low, int) else source.uniform(low, high)


def is_number(value: Any) -> bool:
    """Whether ``value`` is an int or a float, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def in_signature_order(function: Callable[..., Any], names: Sequence[str]) -> list[str]:
    """``names`` in the order of the function's parameters.

    Raises:
        TypeError: The function doesn't take one of them, or needs another.
    """
    title = getattr(function, "__name__", "The function")
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # a builtin without a signature: it will say itself what it lacks
        return list(names)
    takes = [name for name, parameter in parameters.items() if parameter.kind not in _VARIADIC]
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    unknown = [name for name in names if name not in takes]
    described = f"{title}({', '.join(takes)})"
    if unknown and not takes_any:
        raise TypeError(
            f"{described} takes no argument {', '.join(map(repr, unknown))}. Name its parameters in the dictionary."
        )
    missing = [name for name in takes if name not in names and parameters[name].default is inspect.Parameter.empty]
    if missing:
        raise TypeError(
            f"{described} needs values for {', '.join(map(repr, missing))}. Add a list for each to the dictionary."
        )
    return [name for name in takes if name in names] + unknown


def call(function: Callable[..., Any], parameters: Parameters) -> Any:
    """``function`` called with ``parameters``, positional-only ones included."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return function(**parameters)
    positional = [
        name for name, parameter in signature.parameters.items() if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
    ]
    named = {name: value for name, value in parameters.items() if name not in positional}
    return function(*[parameters[name] for name in positional if name in parameters], **named)


def _check_lists(arguments: Mapping[str, Sequence[Any]]) -> None:
    if not isinstance(arguments, Mapping) or not arguments:
        raise ValueError("Give a dictionary from the function's argument names to lists of values.")
    for name, values in arguments.items():
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is not the name of an argument.")  # noqa: TRY004  # as for every wrong dictionary
        if isinstance(values, str | bytes) or (not isinstance(values, Sequence) and not hasattr(values, "__len__")):
            raise ValueError(f"The values of {name!r} must be a list, not {type(values).__name__}.")
        if len(values) == 0:
            raise ValueError(f"The list of {name!r} is empty.")


def _limited(combinations: list[Parameters]) -> list[Parameters]:
    _check_count(len(combinations))
    return combinations


def _check_count(count: int) -> None:
    if count > MAX_TRIALS:
        raise ValueError(f"{count} trials were asked for; one experiment runs at most {MAX_TRIALS}. Narrow the lists.")
