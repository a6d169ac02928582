"""Calls of the old shape: the Spark session first, and the argument names of that time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from hops.experiment.result import LaunchResult, RunDirectory, SearchResult

P = ParamSpec("P")
R = TypeVar("R", LaunchResult, SearchResult)

SESSION_NAMES = ("spark_session", "spark")


def is_session(value: Any) -> bool:
    """Whether ``value`` is a Spark session."""
    return hasattr(value, "sparkContext") and hasattr(value, "createDataFrame")


def also_session_first(
    order: Sequence[str], renamed: Mapping[str, str]
) -> Callable[[Callable[P, R]], Callable[..., R | RunDirectory]]:
    """Makes a function also take calls of the old shape; these get the run's directory as a text.

    Args:
        order: The arguments after the session, by today's names, in the order of that time.
        renamed: Names of that time that are different today.
    """

    def decorate(function: Callable[P, R]) -> Callable[..., R | RunDirectory]:
        @functools.wraps(function)
        def either(*args: Any, **keywords: Any) -> R | RunDirectory:
            named = [name for name in SESSION_NAMES if name in keywords]
            if not named and not (args and is_session(args[0])):
                return function(*args, **keywords)
            for name in named:
                keywords.pop(name)
            values = args if named else args[1:]
            if len(values) > len(order):
                raise TypeError(
                    f"{function.__name__}(spark, …) takes at most {len(order)} arguments after the session."
                )
            arguments = dict(zip(order, values, strict=False))
            arguments |= {renamed.get(name, name): value for name, value in keywords.items()}
            return RunDirectory(function(**arguments).run)  # type: ignore[call-arg]

        return either

    return decorate
