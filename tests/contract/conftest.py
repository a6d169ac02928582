"""Engines that contracts of several products are held against; each is started once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.hadoop import Hdfs


@pytest.fixture(scope="session")
def hdfs_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A NameNode and a DataNode."""
    cluster = Hdfs(tmp_path_factory.mktemp("hdfs"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
