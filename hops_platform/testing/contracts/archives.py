"""The contract of packing and unpacking."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from hops_platform.engines.files import EntryKind, ProjectArchives, ProjectFiles, ProjectUploads
from hops_platform.errors import ConflictError, ForbiddenError, InvalidRequestError, TooLargeError
from hops_platform.testing.contracts.file_calls import ended_leave, place, read, send


class ArchivesContract:
    """What every :class:`~hops_platform.engines.files.ProjectArchives` does.

    Beside ``engine`` an adapter's test gives the fixtures ``files`` and ``uploads`` for the same place.
    """

    def test_what_is_packed_comes_out_again(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Folders, empty ones too, and names of all kinds."""
        send(uploads, place("a", "b", "été 1%"), b"text")
        files.make_folder(place("a", "empty"))
        packed = engine.pack(place("a"), place("a.zip"), most_entries=4, most_bytes=4)
        assert (packed.entries, packed.size, packed.left_out) == (4, 4, 0)
        unpacked = engine.unpack(place("a.zip"), place("c"), most_entries=4, most_bytes=4)
        assert (unpacked.entries, unpacked.size) == (4, 4)
        assert read(files, place("c", "a", "b", "été 1%")) == b"text"
        assert files.stat(place("c", "a", "empty")).kind is EntryKind.FOLDER

    def test_nothing_is_replaced_by_an_archive(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Neither by one nor by what is in one."""
        send(uploads, place("a"), b"old")
        engine.pack(place("a"), place("a.zip"), most_entries=9, most_bytes=9)
        calls: list[Callable[..., object]] = [engine.pack, engine.unpack]
        for call in calls:
            with pytest.raises(ConflictError):
                call(place("a.zip"), place("a"), most_entries=9, most_bytes=999)
        assert read(files, place("a")) == b"old"

    @pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a//b", "C:\\out", ".hops-own/x", "a/\u202eb"])
    def test_no_name_in_an_archive_leads_elsewhere(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads, name: str
    ) -> None:
        """And nothing of such an archive is unpacked."""
        send(uploads, place("a.zip"), _zipped({"good": b"1", name: b"2"}))
        with pytest.raises(InvalidRequestError):
            engine.unpack(place("a.zip"), place("c"), most_entries=9, most_bytes=9)
        assert [entry.name for entry in files.list_folder(place(), limit=9).entries] == ["a.zip"]

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            pytest.param(b"PK\x03\x04 and nothing else", InvalidRequestError, id="no archive"),
            pytest.param({"a": bytes(2**21)}, TooLargeError, id="a bomb"),
            pytest.param({str(number): b"" for number in range(20)}, TooLargeError, id="many files"),
            pytest.param({"/".join("a" * 40): b""}, TooLargeError, id="deep"),
            pytest.param([("a", b"1"), ("a/b", b"2")], ConflictError, id="a file that is a folder"),
            pytest.param([("a/b", b"1"), ("a", b"2")], ConflictError, id="a folder that is a file"),
        ],
    )
    def test_of_an_archive_that_is_refused_nothing_is_left(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads, content: object, error: type
    ) -> None:
        """Whoever made it."""
        data = content if isinstance(content, bytes) else _zipped(content)
        send(uploads, place("a.zip"), data)
        with pytest.raises(error):
            engine.unpack(place("a.zip"), place("c"), most_entries=15, most_bytes=2**20)
        assert [entry.name for entry in files.list_folder(place(), limit=9).entries] == ["a.zip"]

    def test_a_lie_about_a_size_is_found_while_it_is_unpacked(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """The table says a hundred bytes, and there is a MiB."""
        data = bytearray(_zipped({"a": bytes(2**20)}))
        true, told = (2**20).to_bytes(4, "little"), (100).to_bytes(4, "little")
        send(uploads, place("a.zip"), bytes(data.replace(true, told)))
        with pytest.raises((InvalidRequestError, TooLargeError)):
            engine.unpack(place("a.zip"), place("c"), most_entries=9, most_bytes=1000)
        assert [entry.name for entry in files.list_folder(place(), limit=9).entries] == ["a.zip"]

    def test_an_archive_whose_leave_ends_leaves_nothing(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Both ways."""
        send(uploads, place("a.zip"), _zipped({"a": b"1"}))
        calls: list[Callable[..., object]] = [engine.pack, engine.unpack]
        for call in calls:
            with pytest.raises(ForbiddenError):
                call(place("a.zip"), place("c"), most_entries=9, most_bytes=999, leave=ended_leave(3600))
        assert [entry.name for entry in files.list_folder(place(), limit=9).entries] == ["a.zip"]


def _zipped(content: object) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items() if isinstance(content, dict) else content:  # type: ignore[attr-defined]
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()
