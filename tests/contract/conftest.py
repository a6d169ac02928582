"""Engines that contracts of several products are held against; each is started once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.hadoop import Hdfs, platform_home
from tests.contract.s3_server import S3Server


@pytest.fixture(scope="session")
def hdfs_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A NameNode and a DataNode."""
    cluster = Hdfs(tmp_path_factory.mktemp("hdfs"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server of S3 with one bucket."""
    server = S3Server(tmp_path_factory.mktemp("s3"), platform_home())
    try:
        server.start()
        yield server
    finally:
        server.stop()
