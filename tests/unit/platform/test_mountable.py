"""What of other projects is mounted where some datasets lie elsewhere."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from hops_contract.layout import Home
from hops_contract.shares import read_shared
from hops_platform.adapters.sandboxes.local import LocalSandboxes
from hops_platform.engines.sandboxes import VisibleDataset


def test_a_dataset_that_lies_elsewhere_is_mounted_nowhere_and_no_note_promises_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    shared = [VisibleDataset(id=uuid4(), project="weather", dataset=name, writes=False) for name in ("raw", "Jupyter")]
    LocalSandboxes(home, mountable={"Jupyter"}).settle("tides", shared)
    assert [one.path for one in read_shared(home, "tides")] == ["weather/Jupyter"]
    assert not list(home.shares("tides").rglob("raw"))
    LocalSandboxes(home).settle("tides", shared)
    assert sorted(one.path for one in read_shared(home, "tides")) == ["weather/Jupyter", "weather/raw"]
