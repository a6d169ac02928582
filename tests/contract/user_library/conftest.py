"""The two file systems that the library's files must behave alike on: this machine's disk, and a real HDFS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def on_local_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The project lies on this machine."""
    project = tmp_path / "projects" / "weather"
    project.mkdir(parents=True)
    monkeypatch.setenv("HOPS_PROJECT", "weather")
    monkeypatch.setenv("HOPS_USER", "ada")
    monkeypatch.setenv("HOPS_PROJECT_PATH", str(project))
    return str(project)


@pytest.fixture
def on_hdfs(hdfs_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The project lies on HDFS."""
    address = f"hdfs://127.0.0.1:{hdfs_cluster.rpc}/Projects/weather"
    monkeypatch.setenv("HOPS_PROJECT", "weather")
    monkeypatch.setenv("HOPS_USER", "ada")
    monkeypatch.setenv("HADOOP_USER_NAME", "weather__ada")
    monkeypatch.setenv("HOPS_PROJECT_PATH", address)
    monkeypatch.setenv("HOPS_WEBHDFS_ADDRESS", f"127.0.0.1:{hdfs_cluster.http}")
    return address
