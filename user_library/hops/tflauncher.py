"""The first name of :func:`hops.experiment.launch`; notebooks of that time still run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hops import experiment

__all__ = ["launch"]


def launch(
    spark_session: Any, map_fun: Callable[..., Any], args_dict: Mapping[str, Sequence[Any]] | None = None
) -> experiment.RunDirectory:
    """Runs ``map_fun`` once for each position of the lists in ``args_dict``; see :func:`hops.experiment.launch`.

    Args:
        spark_session: The Spark session; it comes first here.
        map_fun: The function.
        args_dict: Argument name → list of values, all equally long.

    Returns:
        The experiment's directory.

    Raises:
        TypeError: The first argument is no Spark session.
        ExperimentError: No trial ended well.
    """
    directory = experiment.launch(spark_session, map_fun, args_dict)
    if not isinstance(directory, experiment.RunDirectory):
        raise TypeError("The first argument must be the Spark session: tflauncher.launch(spark, map_fun, args_dict).")
    return directory
