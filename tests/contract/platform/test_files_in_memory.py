"""The files in memory, by which other subjects are tested without a disk, keep the same contracts as the local disk."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from hops_platform.database import now
from hops_platform.engines.files import NewUpload
from hops_platform.engines.places import Place
from hops_platform.errors import EngineUnavailableError, NotFoundError
from hops_platform.testing.contracts.files import FilesContract
from hops_platform.testing.contracts.uploads import UploadsContract
from hops_platform.testing.file_fakes import MemoryDisk, MemoryFiles
from hops_platform.testing.upload_fakes import MemoryUploads


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk({"weather": ["raw", "other"], "tides": ["raw"]})


class TestMemoryFiles(FilesContract):
    @pytest.fixture
    def engine(self, disk: MemoryDisk) -> MemoryFiles:
        return MemoryFiles(disk=disk)

    @pytest.fixture
    def uploads(self, disk: MemoryDisk) -> MemoryUploads:
        return MemoryUploads(disk=disk)

    def test_it_can_be_made_to_fail(self, engine: MemoryFiles) -> None:
        engine.fault = EngineUnavailableError("The disk is away.")
        with pytest.raises(EngineUnavailableError):
            engine.list_folder(Place("weather", "raw"), limit=1)


class TestMemoryUploads(UploadsContract):
    @pytest.fixture
    def engine(self, disk: MemoryDisk) -> MemoryUploads:
        return MemoryUploads(disk=disk)

    @pytest.fixture
    def files(self, disk: MemoryDisk) -> MemoryFiles:
        return MemoryFiles(disk=disk)

    def test_what_was_left_behind_is_swept_and_nothing_else(self, engine: MemoryUploads) -> None:
        owner = uuid4()
        wanted = NewUpload(target=Place("weather", "raw", ("a",)), size=1, sha256=None, replace=False)
        upload = engine.begin(owner, wanted)
        engine.sweep(before=now() - timedelta(minutes=1))
        assert engine.find("weather", owner, upload.id) == upload
        engine.sweep(before=now() + timedelta(minutes=1))
        with pytest.raises(NotFoundError):
            engine.find("weather", owner, upload.id)
