"""Parts of what reads and writes datasets over the network."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, IncompleteReadError

from hops_platform.adapters.previews import process
from hops_platform.adapters.storage.range_reader import RangeReader
from hops_platform.adapters.storage.s3_bucket import told
from hops_platform.adapters.storage.trees import into_itself
from hops_platform.engines.previews import FileFormat
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    InvalidRequestError,
    NotFoundError,
    PlatformError,
    StorageFullError,
)

DATA = bytes(range(256)) * 4096


class Remote:
    """A file elsewhere, which comes in pieces of odd lengths."""

    def __init__(self, data: bytes, *, size: int | None = None) -> None:
        self.data, self.asked, self.open = data, [], 0
        self.reader = RangeReader(len(data) if size is None else size, self.fetch)

    @contextmanager
    def fetch(self, start: int) -> Iterator[Iterator[bytes]]:
        self.asked.append(start)
        self.open += 1
        try:
            yield (self.data[at : at + 1001] for at in range(start, len(self.data), 1001))
        finally:
            self.open -= 1


def test_a_file_is_asked_for_once_where_it_is_read_on() -> None:
    remote = Remote(DATA)
    assert remote.reader.read(10) == DATA[:10]
    assert remote.reader.read() == DATA[10:]
    remote.reader.seek(0)
    assert io.BufferedReader(remote.reader).read() == DATA
    assert remote.asked == [0, 0]
    remote.reader.close()
    assert remote.open == 0


def test_who_seeks_far_asks_anew_and_who_seeks_near_reads_on() -> None:
    remote = Remote(DATA)
    assert remote.reader.read(1) == DATA[:1]
    remote.reader.seek(5000)
    assert remote.reader.read(3) == DATA[5000:5003]
    remote.reader.seek(-10, io.SEEK_END)
    assert remote.reader.read(99) == DATA[-10:]
    remote.reader.seek(7)
    assert remote.reader.read(3) == DATA[7:10]
    assert remote.asked == [0, len(DATA) - 10, 7]
    assert remote.open == 1
    remote.reader.close()


def test_nothing_is_asked_for_behind_the_end() -> None:
    remote = Remote(b"")
    assert remote.reader.read(1) == b""
    remote = Remote(DATA)
    remote.reader.seek(len(DATA))
    assert remote.reader.read(1) == b""
    assert remote.asked == []
    with pytest.raises(ValueError, match="beginning"):
        remote.reader.seek(-1)


def test_a_file_that_ends_before_its_end_is_told() -> None:
    remote = Remote(b"12345", size=10)
    assert remote.reader.read(5) == b"12345"
    with pytest.raises(EngineUnavailableError, match="before its end"):
        remote.reader.read(5)
    remote.reader.close()


def refused(code: str, status: int) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": "secret-key of lake"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutObject")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused("NoSuchKey", 404), NotFoundError),
        (refused("404", 404), NotFoundError),
        (refused("PreconditionFailed", 412), ConflictError),
        (refused("KeyTooLongError", 400), InvalidRequestError),
        (refused("QuotaExceeded", 403), StorageFullError),
        (refused("XMinioStorageFull", 507), StorageFullError),
        (refused("SlowDown", 503), EngineUnavailableError),
        (refused("InternalError", 500), EngineUnavailableError),
        (refused("AccessDenied", 403), EngineRefusedError),
        (refused("NoSuchBucket", 404), EngineRefusedError),
        (ConnectTimeoutError(endpoint_url="http://secret-key"), EngineUnavailableError),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), EngineUnavailableError),
    ],
)
def test_what_s3_says_is_told_in_the_platforms_words(error: Exception, expected: type[PlatformError]) -> None:
    with pytest.raises(expected) as said, told():
        raise error
    assert "secret" not in f"{said.value.detail} {said.value.remedy}"


def test_what_would_be_put_into_itself() -> None:
    assert into_itself(("weather", "raw", "a"), ("weather", "raw", "a", "b"))
    assert not into_itself(("weather", "raw", "a"), ("weather", "raw", "a"))
    assert not into_itself(("weather", "raw", "a"), ("weather", "raw", "ab"))


class Elsewhere(io.BytesIO):
    """A file without a number of the system's."""


def test_a_preview_fetches_the_beginning_of_a_file_that_lies_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_MOST_OF_TEXT", 10)
    monkeypatch.setattr(process, "_MOST_GATHERED", 20)
    for file_format, most in ((FileFormat.CSV, 10), (FileFormat.JSON, 20)):
        with process._of_the_system(Elsewhere(b"x" * 99), file_format) as own:
            assert own.fileno() > 0
            assert own.read() == b"x" * most
    with process._of_the_system(Elsewhere(b"x" * 20), FileFormat.PARQUET) as own:
        assert len(own.read()) == 20
    with pytest.raises(ConflictError, match="table"), process._of_the_system(Elsewhere(b"x" * 21), FileFormat.PARQUET):
        pass
