"""Runs a training function many times, as Spark tasks on the executors, and keeps what came of it.

::

    from hops import experiment

    def train(learning_rate, dropout):
        ...
        return {"accuracy": accuracy}

    experiment.grid_search(train, {"learning_rate": [0.01, 0.001], "dropout": [0.2, 0.4]}, optimization_key="accuracy")

Each trial runs in a process of its own, with a working folder of its own and, where the session has GPUs, with the
GPUs that Spark gave to its task (``CUDA_VISIBLE_DEVICES``; empty without GPUs). What it prints is in ``output.log`` of
its folder, below ``Experiments/<application>_<run>/``. A trial that fails is recorded and does not stop the others. An
executor that is lost takes its trials with it; Spark starts them again. Ctrl-C ends what runs and keeps what is done.

Accumulators of Spark are not updated by trials, because a trial's process is not the one of its Spark task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hops.experiment import combinations
from hops.experiment.calls import also_session_first
from hops.experiment.conduct import NO_NAME, Conductor, ExperimentError, Wish, conducted
from hops.experiment.evolution import Evolution
from hops.experiment.outcome import MetricError
from hops.experiment.records import Direction, Trial
from hops.experiment.result import LaunchResult, Run, RunDirectory, SearchResult

__all__ = [
    "Direction",
    "ExperimentError",
    "LaunchResult",
    "MetricError",
    "Run",
    "RunDirectory",
    "SearchResult",
    "Trial",
    "differential_evolution",
    "evolutionary_search",
    "grid_search",
    "launch",
    "random_search",
]


def __dir__() -> list[str]:
    # What completion offers.
    return list(__all__)


_OLD_NAMES = {"map_fun": "train_fn", "objective_function": "train_fn"}


@also_session_first(("train_fn", "args_dict"), _OLD_NAMES)
def launch(  # noqa: PLR0917  # the signature that notebooks know
    train_fn: Callable[..., Any],
    args_dict: Mapping[str, Sequence[Any]] | None = None,
    name: str = NO_NAME,
    local_logdir: bool = False,  # noqa: FBT001, FBT002
    description: str | None = None,
    metric_key: str | None = None,
) -> LaunchResult:
    """Runs a function once for each position of equally long lists, or once without arguments.

    The lists are zipped, not crossed: ``{"a": [1, 2], "b": [3, 4]}`` makes two runs, ``a=1, b=3`` and ``a=2, b=4``.
    :func:`grid_search` or :func:`hops.util.grid_params` cross them.

    ``launch(spark, map_fun, args_dict)`` works as well, and returns the run's directory as a text.

    Args:
        train_fn: The function; it may return nothing, a number, or a dictionary. Outputs that name files are copied
            into the trial's folder.
        args_dict: Argument name → list of values.
        name: Name of the experiment.
        local_logdir: Whether ``tensorboard.logdir()`` is on the machine's own disk until the trial ends.
        description: What the experiment is about.
        metric_key: The output that is the metric; without it, a metric may be absent.

    Returns:
        ``(logdir, outputs)``: of one trial what it returned, of several a dictionary from folder to outputs.
        A returned number stands under ``metric``, the path of ``output.log`` under ``log``; ``.trials`` are all trials.

    Raises:
        ValueError: The lists are not equally long.
        TypeError: The function takes other arguments, or can't be sent to the executors.
        RuntimeError: Another experiment runs in this session, or it has no Spark.
        MetricError: ``metric_key`` is given, and no trial returned that metric.
        ExperimentError: No trial ended well.

    Example:
        >>> logdir, outputs = experiment.launch(train, {"learning_rate": [0.1, 0.3], "dropout": [0.4, 0.7]})
        >>> outputs["learning_rate=0.1&dropout=0.4"]["accuracy"]
    """
    wish = Wish(
        train_fn,
        "launch",
        name,
        description,
        local_logdir,
        metric_key=metric_key,
        metric_required=metric_key is not None,
    )
    chosen = combinations.zipped(args_dict)
    return LaunchResult(_run_all(wish, chosen))


@also_session_first(("train_fn", "grid_dict", "direction"), {**_OLD_NAMES, "args_dict": "grid_dict"})
def grid_search(  # noqa: PLR0917  # the signature that notebooks know
    train_fn: Callable[..., Any],
    grid_dict: Mapping[str, Sequence[Any]],
    direction: str = Direction.MAX,
    name: str = NO_NAME,
    local_logdir: bool = False,  # noqa: FBT001, FBT002
    description: str | None = None,
    optimization_key: str = "metric",
) -> SearchResult:
    """Runs a function for every combination of the values and finds the best.

    ``grid_search(spark, map_fun, args_dict, direction)`` works as well, and returns the run's directory as a text.

    Args:
        train_fn: The function; it returns a number, or a dictionary that holds one.
        grid_dict: Argument name → list of values.
        direction: ``max`` or ``min``.
        name: Name of the experiment.
        local_logdir: Whether ``tensorboard.logdir()`` is on the machine's own disk until the trial ends.
        description: What the experiment is about.
        optimization_key: The output to compare trials by; a returned number stands under ``metric``.

    Returns:
        ``(logdir, best_parameters, best_outputs)``; ``.best`` is the best trial, ``.trials`` are all.

    Raises:
        ValueError: A list is empty, or the direction is none.
        TypeError: The function takes other arguments, or can't be sent to the executors.
        RuntimeError: Another experiment runs in this session, or it has no Spark.
        MetricError: No trial returned the metric.
        ExperimentError: No trial ended well.

    Example:
        >>> grid = {"learning_rate": [0.1, 0.01], "dropout": [0.2, 0.5]}
        >>> logdir, best, outputs = experiment.grid_search(train, grid, optimization_key="accuracy")
    """
    wish = Wish(
        train_fn, "grid_search", name, description, local_logdir, Direction.of(direction), optimization_key, True
    )
    chosen = combinations.grid(grid_dict)
    return SearchResult(_run_all(wish, chosen))


def random_search(  # noqa: PLR0917  # the signature that notebooks know
    train_fn: Callable[..., Any],
    boundary_dict: Mapping[str, Sequence[Any]],
    direction: str = Direction.MAX,
    samples: int = 10,
    name: str = NO_NAME,
    local_logdir: bool = False,  # noqa: FBT001, FBT002
    description: str | None = None,
    optimization_key: str = "metric",
) -> SearchResult:
    """Runs a function for random values between boundaries and finds the best.

    Args:
        train_fn: The function; it returns a number, or a dictionary that holds one.
        boundary_dict: Argument name → ``[low, high]``, two whole or two real numbers, both included.
        direction: ``max`` or ``min``.
        samples: Number of combinations that are drawn; those drawn twice run once.
        name: Name of the experiment.
        local_logdir: Whether ``tensorboard.logdir()`` is on the machine's own disk until the trial ends.
        description: What the experiment is about.
        optimization_key: The output to compare trials by.

    Returns:
        ``(logdir, best_parameters, best_outputs)``.

    Raises:
        ValueError: A boundary is not ``[low, high]``.
        MetricError: No trial returned the metric.
        ExperimentError: No trial ended well.

    Example:
        >>> experiment.random_search(train, {"learning_rate": [0.001, 0.1], "layers": [1, 4]}, samples=20)
    """
    wish = Wish(
        train_fn, "random_search", name, description, local_logdir, Direction.of(direction), optimization_key, True
    )
    chosen = combinations.random_samples(boundary_dict, samples)
    return SearchResult(_run_all(wish, chosen))


def differential_evolution(  # noqa: PLR0917  # the signature that notebooks know
    train_fn: Callable[..., Any],
    boundary_dict: Mapping[str, Sequence[Any]],
    direction: str = Direction.MAX,
    generations: int = 4,
    population: int = 6,
    mutation: float = 0.5,
    crossover: float = 0.7,
    name: str = NO_NAME,
    local_logdir: bool = False,  # noqa: FBT001, FBT002
    description: str | None = None,
    optimization_key: str = "metric",
) -> SearchResult:
    """Searches by differential evolution: each generation mixes the values of the one before and keeps what is better.

    Args:
        train_fn: The function; it returns a number, or a dictionary that holds one.
        boundary_dict: Argument name → ``[low, high]``, or a list of categories.
        direction: ``max`` or ``min``.
        generations: Number of populations that are evaluated.
        population: Members of each, at least 4.
        mutation: Weight of the difference between two members, 0 to 2.
        crossover: Probability that a value is mixed rather than kept, 0 to 1.
        name: Name of the experiment.
        local_logdir: Whether ``tensorboard.logdir()`` is on the machine's own disk until the trial ends.
        description: What the experiment is about.
        optimization_key: The output to compare trials by.

    Returns:
        ``(logdir, best_parameters, best_outputs)``.

    Raises:
        ValueError: A boundary or a setting of the evolution is impossible.
        MetricError: No trial returned the metric.
        ExperimentError: No trial ended well.

    Example:
        >>> space = {"learning_rate": [0.001, 0.1], "optimizer": ["adam", "sgd"]}
        >>> experiment.differential_evolution(train, space, generations=6, population=8, optimization_key="accuracy")
    """
    evolution = Evolution(boundary_dict, Direction.of(direction), generations, population, mutation, crossover)
    wish = Wish(
        train_fn,
        "differential_evolution",
        name,
        description,
        local_logdir,
        evolution.direction,
        optimization_key,
        True,
    )
    return SearchResult(_evolve(wish, evolution))


@also_session_first(
    (
        "train_fn",
        "boundary_dict",
        "direction",
        "generations",
        "population",
        "mutation",
        "crossover",
        "cleanup_generations",
    ),
    {**_OLD_NAMES, "search_dict": "boundary_dict", "popsize": "population", "cleanup": "cleanup_generations"},
)
def evolutionary_search(  # noqa: PLR0917  # the signature that notebooks know
    train_fn: Callable[..., Any],
    boundary_dict: Mapping[str, Sequence[Any]],
    direction: str = Direction.MAX,
    generations: int = 10,
    population: int = 10,
    mutation: float = 0.5,
    crossover: float = 0.7,
    cleanup_generations: bool = False,  # noqa: FBT001, FBT002
) -> SearchResult:
    """The first name of :func:`differential_evolution`, called ``evolutionary_search(spark, function, space, …)``.

    Args:
        train_fn: The function; it returns a number.
        boundary_dict: Argument name → ``[low, high]``, or a list of categories.
        direction: ``max`` or ``min``.
        generations: Number of populations that are evaluated.
        population: Members of each, at least 4.
        mutation: Weight of the difference between two members.
        crossover: Probability that a value is mixed rather than kept.
        cleanup_generations: Whether a generation's folder is removed when the next one is done.

    Returns:
        The run's directory as a text for the old shape, else as :func:`differential_evolution`.

    Raises:
        ValueError: A boundary or a setting of the evolution is impossible.
        MetricError: No trial returned a number.
        ExperimentError: No trial ended well.
    """
    evolution = Evolution(boundary_dict, Direction.of(direction), generations, population, mutation, crossover)
    wish = Wish(
        train_fn, "differential_evolution", direction=evolution.direction, metric_key="metric", metric_required=True
    )
    return SearchResult(_evolve(wish, evolution, cleanup=cleanup_generations))


def _run_all(wish: Wish, chosen: Sequence[combinations.Parameters]) -> Run:
    with conducted(wish, list(chosen[0])) as conductor:
        conductor.run(chosen)
    return conductor.result()


def _evolve(wish: Wish, evolution: Evolution, *, cleanup: bool = False) -> Run:
    with conducted(wish, list(evolution.space)) as conductor:
        conductor.expected = evolution.generations * evolution.population

        def evaluate(population: list[combinations.Parameters], generation: int) -> list[float | None]:
            trials = conductor.run(population, generation)
            print(_generation_line(generation, trials, conductor))
            if cleanup and generation:
                conductor.root.child(f"generation.{generation - 1}").remove()
            return [trial.metric if trial.comparable else None for trial in trials]

        evolution.run(evaluate)
        conductor.expected = len(conductor.trials)
    return conductor.result()


def _generation_line(generation: int, trials: Sequence[Trial], conductor: Conductor) -> str:
    metrics = [trial.metric for trial in trials if trial.comparable and trial.metric is not None]
    best = conductor.result().best
    if not metrics or best is None:
        return f"Generation {generation} || no trial ended with a metric"
    average = sum(metrics) / len(metrics)
    return (
        f"Generation {generation} || average metric: {average:.6g}, best metric: {best.metric:.6g}, "
        f"best parameter combination: {best.parameters}"
    )
