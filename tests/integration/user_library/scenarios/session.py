"""A Spark session for the scenarios."""

from __future__ import annotations

import os
from pathlib import Path

from pyspark.sql import SparkSession

PROJECT = Path(os.environ["HOPS_PROJECT_PATH"])


def start(master: str, **settings: str) -> SparkSession:
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    for name, value in settings.items():
        builder = builder.config(name.replace("_", "."), value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def files_below(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def error_of(call, *arguments, **keywords) -> list[str]:
    try:
        call(*arguments, **keywords)
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return [type(error).__name__, str(error)]
    return ["none", ""]
