from __future__ import annotations

from pathlib import Path

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.trees import Tree


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def storage(tree: Tree, home: Home) -> StoredStorage:
    return StoredStorage(tree, LocalStorage(home), {"Jupyter"})


@pytest.fixture
def datasets(storage: StoredStorage) -> None:
    storage.create_datasets("weather", ["Jupyter", "raw", "other"])
    storage.create_datasets("tides", ["raw"])
