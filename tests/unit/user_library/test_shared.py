"""What the library says of a dataset that is no longer shared."""

from __future__ import annotations

import pytest
from hops import dataset, hdfs
from hops.dataset import DatasetError


@pytest.fixture
def tides(tmp_path, monkeypatch):
    monkeypatch.setenv("HOPS_PROJECT", "tides")
    monkeypatch.setenv("HOPS_PROJECT_PATH", str(tmp_path))
    place = tmp_path / "Shared" / "weather" / "raw"
    place.mkdir(parents=True)
    (tmp_path / "Resources").mkdir()
    return place


def test_what_is_shared_has_a_path(tides):
    (tides / "day.csv").write_text("rain")
    assert dataset.path("Shared/weather/raw") == str(tides)
    assert dataset.path("Resources") == str(tides.parents[2] / "Resources")
    assert hdfs.load("Shared/weather/raw/day.csv") == b"rain"


@pytest.mark.parametrize("note", ["NO_LONGER_SHARED.txt", "FROM_THE_NEXT_START_ON.txt"])
def test_what_is_not_seen_is_told_why(tides, note):
    (tides / note).write_text("The dataset 'raw' is no longer shared.\nAsk.\n")
    with pytest.raises(DatasetError, match=r"no longer shared\. Ask\."):
        dataset.path("Shared/weather/raw")
    with pytest.raises(FileNotFoundError, match=r"no longer shared\. Ask\."):
        hdfs.load("Shared/weather/raw/day.csv")
    with pytest.raises(FileNotFoundError, match=r"no longer shared\. Ask\."):
        hdfs.ls("Shared/weather/raw/2026")
    assert not hdfs.exists("Shared/weather/raw/day.csv")


def test_what_never_was_is_as_absent_as_anything(tides):
    with pytest.raises(DatasetError, match="There is no dataset"):
        dataset.path("Shared/weather/other")
    with pytest.raises(FileNotFoundError, match="is not there"):
        hdfs.load("Shared/weather/other/day.csv")


def test_on_hdfs_a_shared_dataset_is_where_its_owner_has_it(monkeypatch):
    monkeypatch.setenv("HOPS_PROJECT", "tides")
    monkeypatch.setenv("HOPS_PROJECT_PATH", "hdfs://name-node:8020/lake/Projects/tides")
    assert dataset.path("Shared/weather/raw") == "hdfs://name-node:8020/lake/Projects/weather/raw"
    assert dataset.path("raw/2026") == "hdfs://name-node:8020/lake/Projects/tides/raw/2026"
