"""The contracts of the ports for files, for what is kept on a tree: a product gives the fixture ``tree``."""

from __future__ import annotations

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.local_uploads import LocalUploads
from hops_platform.adapters.storage.split import deliver_to
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_archives import StoredArchives
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.adapters.storage.trees import Tree
from hops_platform.engines.places import Place
from hops_platform.testing.contracts.archives import ArchivesContract
from hops_platform.testing.contracts.files import FilesContract
from hops_platform.testing.contracts.storage import StorageContract
from hops_platform.testing.contracts.uploads import UploadsContract


class StorageOnATree(StorageContract):
    @pytest.fixture
    def engine(self, storage: StoredStorage) -> StoredStorage:
        return storage


@pytest.mark.usefixtures("datasets")
class FilesOnATree(FilesContract):
    @pytest.fixture
    def engine(self, tree: Tree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: Tree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))


@pytest.mark.usefixtures("datasets")
class UploadsOnATree(UploadsContract):
    @pytest.fixture
    def engine(self, tree: Tree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))

    @pytest.fixture
    def files(self, tree: Tree) -> StoredFiles:
        return StoredFiles(tree)


@pytest.mark.usefixtures("datasets")
class ArchivesOnATree(ArchivesContract):
    @pytest.fixture
    def engine(self, tree: Tree, home: Home) -> StoredArchives:
        return StoredArchives(tree, home)

    @pytest.fixture
    def files(self, tree: Tree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: Tree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))


def place(*parts: str, dataset: str = "raw") -> Place:
    return Place("weather", dataset, parts)


def names_in(files: StoredFiles, at: Place) -> list[str]:
    return [entry.name for entry in files.list_folder(at, limit=99).entries]
