"""Fixtures of the user library's integration tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.contract.hadoop import Hdfs


def _module(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def runner():
    """The module that runs scenario scripts in the project environment."""
    return _module(Path(__file__).with_name("scenario_runner.py"))


@pytest.fixture(scope="module")
def hdfs_cluster(tmp_path_factory):
    """A real HDFS on loopback."""
    cluster = Hdfs(tmp_path_factory.mktemp("hdfs"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
