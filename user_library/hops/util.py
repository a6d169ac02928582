"""Small things that notebooks ask for."""

from __future__ import annotations

import csv
import itertools
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from hops import _session
from hops._storage import locate

__all__ = ["csv_to_args", "get_ip_address", "get_job_name", "grid_params", "num_executors", "num_param_servers"]


def grid_params(dict: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:  # noqa: A002  # the name that notebooks know
    """Every combination of the lists' values, as equally long lists for :func:`hops.experiment.launch`.

    ``grid_params({"a": [1, 2], "b": [3, 4]})`` is ``{"a": [1, 1, 2, 2], "b": [3, 4, 3, 4]}``.
    """
    rows = list(itertools.product(*dict.values()))
    return {name: [row[index] for row in rows] for index, name in enumerate(dict)}


def csv_to_args(path: str) -> dict[str, list[str]]:
    """The columns of a CSV file with a header, as lists of texts for :func:`hops.experiment.launch`.

    Args:
        path: A file of the project, or another path that :mod:`hops.hdfs` takes.

    Raises:
        FileNotFoundError: It is not there.

    Example:
        >>> experiment.launch(train, util.csv_to_args("Resources/settings.csv"))
    """
    rows = list(csv.DictReader(locate(path).read().decode("utf-8-sig").splitlines()))
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def num_executors(spark: Any = None) -> int:
    """Number of executors that this session may have.

    Args:
        spark: The Spark session; the notebook's own by default.

    Raises:
        RuntimeError: This kernel has no Spark session.
    """
    context = (spark or _session.spark_session()).sparkContext
    settings = context.getConf()
    if settings.get("spark.dynamicAllocation.enabled", "false").lower() == "true":
        return int(settings.get("spark.dynamicAllocation.maxExecutors", "1"))
    master = context.master
    if master.startswith("local-cluster["):
        return int(master.removeprefix("local-cluster[").split(",")[0])
    return int(settings.get("spark.executor.instances", "1"))


def num_param_servers(spark: Any = None) -> int:  # noqa: ARG001  # notebooks of both times pass it or not
    """Number of parameter servers: ``NUM_TF_PS``, or none."""
    return int(os.environ.get("NUM_TF_PS", "0"))


def get_ip_address() -> str:
    """Address of this machine towards the network; the loopback one where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation; no packet is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def get_job_name() -> str | None:
    """Name of the job that this process is an execution of; None in a notebook."""
    return os.environ.get("HOPS_JOB_NAME")
