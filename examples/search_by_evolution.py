"""Searches the lowest point of Himmelblau's function by differential evolution, in a session or with spark-submit."""

from __future__ import annotations

from hops import experiment
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()


def himmelblau(x: float, y: float) -> float:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


logdir, best_parameters, best_outputs = experiment.differential_evolution(
    himmelblau, {"x": [-5.0, 5.0], "y": [-5.0, 5.0]}, direction="min", generations=8, population=8, name="himmelblau"
)
print(best_parameters, best_outputs["metric"], logdir)
