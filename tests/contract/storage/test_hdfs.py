"""A real HDFS keeps the contracts of the ports for files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.hdfs_tree import HdfsTree
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.local_uploads import LocalUploads
from hops_platform.adapters.storage.split import deliver_to
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_archives import StoredArchives
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.testing.contracts import ArchivesContract, FilesContract, StorageContract, UploadsContract

pytestmark = pytest.mark.spark


@pytest.fixture
def tree(hdfs_cluster: Any) -> Iterator[HdfsTree]:
    """A place of its own for each test, as another user than HDFS's own."""
    root = f"/{uuid4().hex}"
    hdfs_cluster.make_folder(root, owner="hops")
    hdfs = WebHdfs(f"http://127.0.0.1:{hdfs_cluster.http}", user="hops", root=(root[1:], "Projects"))
    yield HdfsTree(hdfs)
    hdfs.close()
    hdfs_cluster.remove(root)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def storage(tree: HdfsTree, home: Home) -> StoredStorage:
    return StoredStorage(tree, LocalStorage(home), {"Jupyter"})


@pytest.fixture
def datasets(storage: StoredStorage) -> None:
    storage.create_datasets("weather", ["Jupyter", "raw", "other"])
    storage.create_datasets("tides", ["raw"])


class TestHdfsStorage(StorageContract):
    @pytest.fixture
    def engine(self, storage: StoredStorage) -> StoredStorage:
        return storage


@pytest.mark.usefixtures("datasets")
class TestHdfsFiles(FilesContract):
    @pytest.fixture
    def engine(self, tree: HdfsTree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: HdfsTree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))


@pytest.mark.usefixtures("datasets")
class TestHdfsUploads(UploadsContract):
    @pytest.fixture
    def engine(self, tree: HdfsTree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))

    @pytest.fixture
    def files(self, tree: HdfsTree) -> StoredFiles:
        return StoredFiles(tree)


@pytest.mark.usefixtures("datasets")
class TestHdfsArchives(ArchivesContract):
    @pytest.fixture
    def engine(self, tree: HdfsTree, home: Home) -> StoredArchives:
        return StoredArchives(tree, home)

    @pytest.fixture
    def files(self, tree: HdfsTree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: HdfsTree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))
