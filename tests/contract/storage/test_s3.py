"""A real S3 server keeps the contracts of the ports for files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.local_uploads import LocalUploads
from hops_platform.adapters.storage.s3_bucket import Bucket, Key
from hops_platform.adapters.storage.s3_tree import S3Tree
from hops_platform.adapters.storage.split import deliver_to
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_archives import StoredArchives
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.testing.contracts import ArchivesContract, FilesContract, StorageContract, UploadsContract
from tests.contract.s3_server import BUCKET, S3Server


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> Iterator[Bucket]:
    bucket = Bucket(
        BUCKET, endpoint=s3_server.endpoint, region="us-east-1", key=Key(s3_server.access, s3_server.secret)
    )
    yield bucket
    bucket.close()


@pytest.fixture
def tree(bucket: Bucket) -> S3Tree:
    """A place of its own for each test."""
    return S3Tree(bucket, root=(uuid4().hex, "Projects"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def storage(tree: S3Tree, home: Home) -> StoredStorage:
    return StoredStorage(tree, LocalStorage(home), {"Jupyter"})


@pytest.fixture
def datasets(storage: StoredStorage) -> None:
    storage.create_datasets("weather", ["Jupyter", "raw", "other"])
    storage.create_datasets("tides", ["raw"])


class TestS3Storage(StorageContract):
    @pytest.fixture
    def engine(self, storage: StoredStorage) -> StoredStorage:
        return storage


@pytest.mark.usefixtures("datasets")
class TestS3Files(FilesContract):
    @pytest.fixture
    def engine(self, tree: S3Tree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: S3Tree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))


@pytest.mark.usefixtures("datasets")
class TestS3Uploads(UploadsContract):
    @pytest.fixture
    def engine(self, tree: S3Tree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))

    @pytest.fixture
    def files(self, tree: S3Tree) -> StoredFiles:
        return StoredFiles(tree)


@pytest.mark.usefixtures("datasets")
class TestS3Archives(ArchivesContract):
    @pytest.fixture
    def engine(self, tree: S3Tree, home: Home) -> StoredArchives:
        return StoredArchives(tree, home)

    @pytest.fixture
    def files(self, tree: S3Tree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: S3Tree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))
