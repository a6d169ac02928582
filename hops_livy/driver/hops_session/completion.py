"""What completion may look at in a session."""

from __future__ import annotations

from typing import Any

from IPython.core.guarded_eval import EVALUATION_POLICIES
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.classic.dataframe import DataFrame

LOOKED_INTO = (SparkSession, SparkContext, DataFrame)
"""Classes whose properties, such as ``spark.read`` and ``frame.write``, are asked for their value: that runs no job."""


def let_spark_be_completed(shell: Any) -> None:
    """Lets ``shell`` complete behind properties of Spark's own objects; of others IPython evaluates none."""
    policy: Any = EVALUATION_POLICIES[shell.Completer.evaluation]
    shell.Completer.policy_overrides = {"allowed_getattr": {*policy.allowed_getattr, *LOOKED_INTO}}
