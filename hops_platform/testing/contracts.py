"""The contract of each port as a test class. An adapter's test derives from it and gives the fixture ``engine``."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from functools import partial
from uuid import uuid4

import pytest

from hops_platform.database import now
from hops_platform.engines.capacity import MachineCapacity
from hops_platform.engines.environments import ProjectEnvironments
from hops_platform.engines.files import EntryKind, NewUpload, ProjectArchives, ProjectFiles, ProjectUploads
from hops_platform.engines.hub import Hub, RunningServer, ServerState
from hops_platform.engines.leave import Leave
from hops_platform.engines.logins import BrowserLogins
from hops_platform.engines.places import Place
from hops_platform.engines.sessions import SparkSessions
from hops_platform.engines.storage import DatasetRights, ProjectStorage
from hops_platform.engines.streams import Streams, TopicRights
from hops_platform.engines.templates import ProjectTemplates
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PlatformError,
    TooLargeError,
)

_FOLDERS = 64 * 1024
"""Bytes that a few folders may take themselves."""


class StorageContract:
    """What every :class:`~hops_platform.engines.storage.ProjectStorage` does."""

    def test_making_datasets_twice_is_making_them_once(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter", "Logs"])
        engine.create_datasets("weather", ["Jupyter", "Logs"])

    def test_a_trashed_projects_name_can_be_used_again(self, engine: ProjectStorage) -> None:
        """Also several times, so that nothing in the trash stands in the way."""
        for _ in range(3):
            engine.create_datasets("weather", ["Jupyter"])
            engine.trash_project("weather")

    def test_trashing_what_is_not_there_does_nothing(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter"])
        engine.trash_project("weather")
        engine.trash_project("weather")

    def test_what_is_written_can_be_looked_at_as_often_as_one_likes(self, engine: ProjectStorage) -> None:
        """Nothing is left of a look."""
        engine.check()
        engine.check()

    def test_rights_are_said_as_often_as_one_likes(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once, and a dataset may be gone by then."""
        rights = [DatasetRights(dataset="raw", writers=["weather__ada"], readers=["tides__bob"])]
        engine.settle_rights("weather", [DatasetRights(dataset="raw", writers=[])])
        engine.create_datasets("weather", ["raw"])
        engine.settle_rights("weather", rights)
        engine.settle_rights("weather", rights)

    def test_projects_have_addresses_of_their_own(self, engine: ProjectStorage) -> None:
        """No two projects share a folder."""
        assert engine.project_address("weather") != engine.project_address("tides")  # noqa: S101


def _place(*parts: str, dataset: str = "raw") -> Place:
    return Place("weather", dataset, parts)


def _ended_leave(every_s: float) -> Leave:
    """A leave that was looked at when it stood, and has ended since."""
    looks = iter([None])

    def look() -> None:
        if next(looks, 1):
            raise ForbiddenError("Your right has ended.")

    leave = Leave(look, every_s=every_s)
    leave.check()
    return leave


def _send(uploads: ProjectUploads, place: Place, data: bytes, *, replace: bool = False) -> None:
    owner = uuid4()
    upload = uploads.begin(owner, NewUpload(target=place, size=len(data), sha256=None, replace=replace))
    with uploads.write(place.project, owner, upload.id, offset=0) as writer:
        writer.write(data)
    uploads.finish(place.project, owner, upload.id)


def _read(files: ProjectFiles, place: Place) -> bytes:
    with files.open_file(place).file as file:
        return file.read()


class FilesContract:
    """What every :class:`~hops_platform.engines.files.ProjectFiles` does.

    Beside ``engine`` an adapter's test gives the fixture ``uploads`` for the same place. The project weather has the
    datasets raw and other.
    """

    def test_a_folder_is_paged_by_name(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Whatever the order in which things came, and while they come."""
        for name in ("c", "a", "e", "b", "d"):
            _send(uploads, _place(name), b"12")
        first = engine.list_folder(_place(), limit=2)
        _send(uploads, _place("aa"), b"1")
        second = engine.list_folder(_place(), limit=2, after=first.next)
        third = engine.list_folder(_place(), limit=2, after=second.next)
        pages = [[entry.name for entry in page.entries] for page in (first, second, third)]
        assert pages == [["a", "b"], ["c", "d"], ["e"]]  # noqa: S101
        assert (first.entries[0].kind, first.entries[0].size, third.next) == (EntryKind.FILE, 2, None)  # noqa: S101

    def test_what_is_not_there_is_told(self, engine: ProjectFiles) -> None:
        """By every call alike."""
        absent, under = _place("absent"), _place("absent", "file")
        calls: list[Callable[[], object]] = [
            lambda: engine.list_folder(absent, limit=1),
            lambda: engine.list_folder(_place(dataset="absent"), limit=1),
            lambda: engine.stat(absent),
            lambda: engine.open_file(absent),
            lambda: engine.make_folder(under),
            lambda: engine.move(absent, _place("b")),
            lambda: engine.copy(absent, _place("b"), most_entries=1, most_bytes=1),
            lambda: engine.trash(absent, by="ada"),
            lambda: engine.find_in_trash("weather", uuid4()),
            lambda: engine.restore("weather", uuid4(), target=absent),
        ]
        for call in calls:
            with pytest.raises(NotFoundError):
                call()

    def test_folders_are_made_moved_and_copied(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Also into another dataset."""
        assert engine.make_folder(_place("one")).kind is EntryKind.FOLDER  # noqa: S101
        _send(uploads, _place("one", "file"), b"text")
        engine.move(_place("one"), _place("two", dataset="other"))
        assert _read(engine, _place("two", "file", dataset="other")) == b"text"  # noqa: S101
        copied = engine.copy(_place("two", dataset="other"), _place("three"), most_entries=2, most_bytes=4)
        assert (copied.entries, copied.size, copied.left_out) == (2, 4, 0)  # noqa: S101
        assert _read(engine, _place("three", "file")) == b"text"  # noqa: S101
        assert _read(engine, _place("two", "file", dataset="other")) == b"text"  # noqa: S101

    def test_nothing_is_replaced(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Neither a file nor a folder, be it empty."""
        engine.make_folder(_place("folder"))
        for name in ("a", "b"):
            _send(uploads, _place(name), name.encode())
        for target in ("b", "folder"):
            with pytest.raises(ConflictError):
                engine.make_folder(_place(target))
            with pytest.raises(ConflictError):
                engine.move(_place("a"), _place(target))
            with pytest.raises(ConflictError):
                engine.copy(_place("a"), _place(target), most_entries=9, most_bytes=9)
        assert [_read(engine, _place(name)) for name in ("a", "b")] == [b"a", b"b"]  # noqa: S101

    def test_a_folder_is_not_put_into_itself(self, engine: ProjectFiles) -> None:
        """Nor is it lost by that; a copy in itself is one."""
        engine.make_folder(_place("a"))
        with pytest.raises(InvalidRequestError):
            engine.move(_place("a"), _place("a", "b"))
        assert engine.copy(_place("a"), _place("a", "b"), most_entries=9, most_bytes=9).entries == 1  # noqa: S101

    def test_a_dataset_is_no_file_of_its_own(self, engine: ProjectFiles) -> None:
        """It is moved and deleted as a dataset."""
        calls: list[Callable[[], object]] = [
            lambda: engine.open_file(_place()),
            lambda: engine.make_folder(_place()),
            lambda: engine.move(_place(), _place("a", dataset="other")),
            lambda: engine.trash(_place(), by="ada"),
        ]
        for call in calls:
            with pytest.raises(InvalidRequestError):
                call()

    def test_a_copy_that_is_too_large_leaves_nothing(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """In bytes, and in entries."""
        _send(uploads, _place("a", "b"), b"text")
        for entries, size in ((1, 100), (100, 3)):
            with pytest.raises(TooLargeError):
                engine.copy(_place("a"), _place("copy"), most_entries=entries, most_bytes=size)
        assert [entry.name for entry in engine.list_folder(_place(), limit=9).entries] == ["a"]  # noqa: S101

    @pytest.mark.parametrize("every_s", [0.0, 3600.0])
    def test_a_copy_whose_leave_ends_leaves_nothing(
        self, engine: ProjectFiles, uploads: ProjectUploads, every_s: float
    ) -> None:
        """Also where it ends after the last look on the way."""
        _send(uploads, _place("a", "b"), b"text")
        leave = _ended_leave(every_s)
        with pytest.raises(ForbiddenError):
            engine.copy(_place("a"), _place("copy"), most_entries=9, most_bytes=9, leave=leave)
        assert [entry.name for entry in engine.list_folder(_place(), limit=9).entries] == ["a"]  # noqa: S101

    def test_what_was_deleted_is_restored(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """With the folders that lead there, and not over what came meanwhile."""
        _send(uploads, _place("a", "b", "file"), b"old")
        item = engine.trash(_place("a", "b", "file"), by="ada")
        folder = engine.trash(_place("a"), by="bob")
        listed = engine.list_trash("weather", limit=9)
        assert [(one.path, one.kind, one.deleted_by) for one in listed] == [  # noqa: S101
            ("a", EntryKind.FOLDER, "bob"),
            ("a/b/file", EntryKind.FILE, "ada"),
        ]
        assert engine.list_trash("weather", limit=9, before=folder.id) == [item]  # noqa: S101
        engine.restore("weather", item.id, target=_place("a", "b", "file"))
        assert _read(engine, _place("a", "b", "file")) == b"old"  # noqa: S101
        with pytest.raises(ConflictError):
            engine.restore("weather", folder.id, target=_place("a"))
        assert engine.list_trash("weather", limit=9) == [folder]  # noqa: S101
        with pytest.raises(NotFoundError):
            engine.restore("weather", item.id, target=_place("c"))

    def test_an_emptied_trash_is_empty(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """At once, and for this project alone; can be repeated."""
        _send(uploads, _place("a"), b"old")
        item = engine.trash(_place("a"), by="ada")
        engine.empty_trash("tides")
        assert engine.find_in_trash("weather", item.id) == item  # noqa: S101
        engine.empty_trash("weather")
        engine.empty_trash("weather")
        assert engine.list_trash("weather", limit=9) == []  # noqa: S101

    def test_a_dataset_goes_and_comes_back_once_however_often_it_is_told(
        self, engine: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Deliveries come at least once."""
        _send(uploads, _place("a"), b"old")
        item = uuid4()
        for _ in range(2):
            engine.trash_dataset(_place(), item=item, description="Rain", by="ada")
        found = engine.find_in_trash("weather", item)
        assert (found.dataset, found.path, found.description) == ("raw", "", "Rain")  # noqa: S101
        for _ in range(2):
            engine.restore_dataset(_place(), item=item)
        assert _read(engine, _place("a")) == b"old"  # noqa: S101
        assert engine.list_trash("weather", limit=9) == []  # noqa: S101

    def test_what_lies_in_datasets_and_in_the_trash_is_measured(
        self, engine: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """A file counts as long as it is there, in the trash too; folders may take something themselves."""
        empty = engine.measure("weather")
        data = bytes(300_000)
        _send(uploads, _place("a.bin"), data)
        assert engine.measure("weather") - empty in range(len(data), len(data) + _FOLDERS)  # noqa: S101
        engine.trash(_place("a.bin"), by="ada")
        assert engine.measure("weather") - empty in range(len(data), len(data) + _FOLDERS)  # noqa: S101
        engine.empty_trash("weather")
        assert engine.measure("weather") - empty < _FOLDERS  # noqa: S101
        assert engine.measure("nowhere") == 0  # noqa: S101

    def test_names_mean_nothing_but_themselves(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Whatever they would mean in an address, a pattern or another encoding."""
        names = (
            "a b",
            "%2e%2e",
            "%",
            "a?b=c",
            "#d",
            "é" * 3,
            "日本",
            "a+b",
            "&x;",
            "*",
            "[1]",
            "~",
            "'\"",
            "$(x)",
            "{0}",
            "e;f",
        )
        for name in names:
            _send(uploads, _place(name, name), name.encode())
        shown = [entry.name for entry in engine.list_folder(_place(), limit=99).entries]
        assert sorted(shown) == sorted(names)  # noqa: S101
        for name in names:
            assert _read(engine, _place(name, name)) == name.encode()  # noqa: S101
            engine.move(_place(name, name), _place(f"to {name}"))
            assert engine.stat(_place(f"to {name}")).size == len(name.encode())  # noqa: S101
            assert [one.name for one in engine.list_folder(_place(name), limit=2).entries] == []  # noqa: S101

    def test_a_file_is_read_from_where_one_likes(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """As a download that goes on does."""
        data = bytes(range(256)) * 40
        _send(uploads, _place("a"), data)
        opened = engine.open_file(_place("a"))
        with opened.file as file:
            for start in (5000, 10, 10239, 0):
                file.seek(start)
                assert file.read(20) == data[start : start + 20]  # noqa: S101
            file.seek(len(data) + 5)
            assert file.read(1) == b""  # noqa: S101
        assert opened.size == len(data)  # noqa: S101
        assert opened.modified.tzinfo is UTC  # noqa: S101
        assert engine.list_folder(_place(), limit=1).entries[0].modified.tzinfo is UTC  # noqa: S101

    def test_another_content_has_another_version(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Also one of the same length."""
        versions = []
        for content in (b"one", b"two"):
            _send(uploads, _place("a"), content, replace=True)
            opened = engine.open_file(_place("a"))
            opened.file.close()
            versions.append(opened.version)
        assert versions[0] != versions[1]  # noqa: S101

    def test_of_many_who_take_a_name_one_has_it(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """At the same moment, and nothing is lost of the others."""
        names = [f"from{number}" for number in range(6)]
        for name in names:
            _send(uploads, _place(name), name.encode())

        def take(name: str) -> bool:
            try:
                engine.move(_place(name), _place("to"))
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(len(names)) as pool:
            took = [name for name, had in zip(names, pool.map(take, names), strict=True) if had]
        assert [name.encode() for name in took] == [_read(engine, _place("to"))]  # noqa: S101
        left = [entry.name for entry in engine.list_folder(_place(), limit=9).entries]
        assert left == sorted({*names, "to"} - {*took})  # noqa: S101

    def test_a_sweep_leaves_what_is_there(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Files, and what can still be restored."""
        _send(uploads, _place("a"), b"a")
        _send(uploads, _place("b"), b"b")
        item = engine.trash(_place("b"), by="ada")
        engine.sweep(before=now() + timedelta(days=1))
        assert engine.find_in_trash("weather", item.id) == item  # noqa: S101
        assert _read(engine, _place("a")) == b"a"  # noqa: S101


class ArchivesContract:
    """What every :class:`~hops_platform.engines.files.ProjectArchives` does.

    Beside ``engine`` an adapter's test gives the fixtures ``files`` and ``uploads`` for the same place.
    """

    def test_what_is_packed_comes_out_again(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Folders, empty ones too, and names of all kinds."""
        _send(uploads, _place("a", "b", "été 1%"), b"text")
        files.make_folder(_place("a", "empty"))
        packed = engine.pack(_place("a"), _place("a.zip"), most_entries=4, most_bytes=4)
        assert (packed.entries, packed.size, packed.left_out) == (4, 4, 0)  # noqa: S101
        unpacked = engine.unpack(_place("a.zip"), _place("c"), most_entries=4, most_bytes=4)
        assert (unpacked.entries, unpacked.size) == (4, 4)  # noqa: S101
        assert _read(files, _place("c", "a", "b", "été 1%")) == b"text"  # noqa: S101
        assert files.stat(_place("c", "a", "empty")).kind is EntryKind.FOLDER  # noqa: S101

    def test_nothing_is_replaced_by_an_archive(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Neither by one nor by what is in one."""
        _send(uploads, _place("a"), b"old")
        engine.pack(_place("a"), _place("a.zip"), most_entries=9, most_bytes=9)
        calls: list[Callable[..., object]] = [engine.pack, engine.unpack]
        for call in calls:
            with pytest.raises(ConflictError):
                call(_place("a.zip"), _place("a"), most_entries=9, most_bytes=999)
        assert _read(files, _place("a")) == b"old"  # noqa: S101

    @pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a//b", "C:\\out", ".hops-own/x", "a/\u202eb"])
    def test_no_name_in_an_archive_leads_elsewhere(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads, name: str
    ) -> None:
        """And nothing of such an archive is unpacked."""
        _send(uploads, _place("a.zip"), _zipped({"good": b"1", name: b"2"}))
        with pytest.raises(InvalidRequestError):
            engine.unpack(_place("a.zip"), _place("c"), most_entries=9, most_bytes=9)
        assert [entry.name for entry in files.list_folder(_place(), limit=9).entries] == ["a.zip"]  # noqa: S101

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
        _send(uploads, _place("a.zip"), data)
        with pytest.raises(error):
            engine.unpack(_place("a.zip"), _place("c"), most_entries=15, most_bytes=2**20)
        assert [entry.name for entry in files.list_folder(_place(), limit=9).entries] == ["a.zip"]  # noqa: S101

    def test_a_lie_about_a_size_is_found_while_it_is_unpacked(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """The table says a hundred bytes, and there is a MiB."""
        data = bytearray(_zipped({"a": bytes(2**20)}))
        true, told = (2**20).to_bytes(4, "little"), (100).to_bytes(4, "little")
        _send(uploads, _place("a.zip"), bytes(data.replace(true, told)))
        with pytest.raises((InvalidRequestError, TooLargeError)):
            engine.unpack(_place("a.zip"), _place("c"), most_entries=9, most_bytes=1000)
        assert [entry.name for entry in files.list_folder(_place(), limit=9).entries] == ["a.zip"]  # noqa: S101

    def test_an_archive_whose_leave_ends_leaves_nothing(
        self, engine: ProjectArchives, files: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Both ways."""
        _send(uploads, _place("a.zip"), _zipped({"a": b"1"}))
        calls: list[Callable[..., object]] = [engine.pack, engine.unpack]
        for call in calls:
            with pytest.raises(ForbiddenError):
                call(_place("a.zip"), _place("c"), most_entries=9, most_bytes=999, leave=_ended_leave(3600))
        assert [entry.name for entry in files.list_folder(_place(), limit=9).entries] == ["a.zip"]  # noqa: S101


def _zipped(content: object) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items() if isinstance(content, dict) else content:  # type: ignore[attr-defined]
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


class UploadsContract:
    """What every :class:`~hops_platform.engines.files.ProjectUploads` does.

    Beside ``engine`` an adapter's test gives the fixture ``files`` for the same place.
    """

    def test_a_file_comes_in_pieces(self, engine: ProjectUploads, files: ProjectFiles) -> None:
        """Each where the one before ended."""
        owner, data = uuid4(), b"day,rain"
        wanted = NewUpload(
            target=_place("2026", "may.csv"), size=8, sha256=hashlib.sha256(data).hexdigest(), replace=False
        )
        upload = engine.begin(owner, wanted)
        for start in (0, 3, 6):
            with engine.write("weather", owner, upload.id, offset=start) as writer:
                writer.write(data[start : start + 3])
        assert engine.find("weather", owner, upload.id).received == len(data)  # noqa: S101
        entry = engine.finish("weather", owner, upload.id)
        assert (entry.name, entry.size) == ("may.csv", len(data))  # noqa: S101
        assert _read(files, _place("2026", "may.csv")) == data  # noqa: S101
        with pytest.raises(NotFoundError):
            engine.find("weather", owner, upload.id)

    def test_what_is_under_way_is_as_large_as_it_was_announced(self, engine: ProjectUploads) -> None:
        """However little of it has come, and until it is finished or given up."""
        owner = uuid4()
        assert engine.announced("weather") == 0  # noqa: S101
        begun = [
            engine.begin(owner, NewUpload(target=_place(str(size)), size=size, sha256=None, replace=False))
            for size in (0, 500, 1000)
        ]
        assert (engine.announced("weather"), engine.announced("tides")) == (1500, 0)  # noqa: S101
        engine.finish("weather", owner, begun[0].id)
        engine.cancel("weather", owner, begun[1].id)
        assert engine.announced("weather") == begun[2].wanted.size  # noqa: S101

    def test_beginning_and_finishing_can_be_repeated(self, engine: ProjectUploads, files: ProjectFiles) -> None:
        """An answer may have been lost; only its owner is told of it."""
        owner, other = uuid4(), uuid4()
        wanted = NewUpload(target=_place("a"), size=2, sha256=None, replace=False)
        upload = engine.begin(owner, wanted, upload=uuid4())
        with engine.write("weather", owner, upload.id, offset=0) as writer:
            writer.write(b"ab")
        assert engine.begin(owner, wanted, upload=upload.id).received == len(b"ab")  # noqa: S101
        assert engine.find_finished("weather", owner, upload.id) is None  # noqa: S101
        entry = engine.finish("weather", owner, upload.id)
        files.move(_place("a"), _place("b"))
        assert engine.finish("weather", owner, upload.id) == entry  # noqa: S101
        assert engine.find_finished("weather", owner, upload.id) == entry  # noqa: S101
        assert engine.find_finished("weather", other, upload.id) is None  # noqa: S101
        with pytest.raises(NotFoundError):
            files.stat(_place("a"))
        with pytest.raises(NotFoundError):
            engine.finish("weather", other, upload.id)

    def test_pieces_that_do_not_fit_are_refused(self, engine: ProjectUploads) -> None:
        """Too early, too late, too many, or two at once."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=_place("a"), size=4, sha256=None, replace=False))
        with engine.write("weather", owner, upload.id, offset=0) as writer:
            writer.write(b"ab")
            with pytest.raises(ConflictError):
                engine.write("weather", owner, upload.id, offset=2)
        for offset in (0, 1, 3):
            with pytest.raises(ConflictError):
                engine.write("weather", owner, upload.id, offset=offset)
        with pytest.raises(ConflictError):
            engine.finish("weather", owner, upload.id)
        with engine.write("weather", owner, upload.id, offset=2) as writer, pytest.raises(TooLargeError):
            writer.write(b"cde")
        engine.finish("weather", owner, upload.id)

    def test_another_checksum_is_found_and_nothing_put_in_place(
        self, engine: ProjectUploads, files: ProjectFiles
    ) -> None:
        """Whatever went wrong on the way."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=_place("a"), size=0, sha256="0" * 64, replace=False))
        with pytest.raises(ConflictError, match="checksum"):
            engine.finish("weather", owner, upload.id)
        with pytest.raises(NotFoundError):
            files.stat(_place("a"))

    def test_an_upload_whose_leave_has_ended_stays_where_it_is(
        self, engine: ProjectUploads, files: ProjectFiles
    ) -> None:
        """Until there is leave again."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=_place("a"), size=0, sha256=None, replace=False))
        with pytest.raises(ForbiddenError):
            engine.finish("weather", owner, upload.id, leave=_ended_leave(3600))
        with pytest.raises(NotFoundError):
            files.stat(_place("a"))
        assert engine.finish("weather", owner, upload.id).name == "a"  # noqa: S101

    def test_a_file_is_replaced_only_when_asked(self, engine: ProjectUploads, files: ProjectFiles) -> None:
        """And a folder never."""
        _send(engine, _place("a"), b"old")
        with pytest.raises(ConflictError):
            _send(engine, _place("a"), b"new")
        assert _read(files, _place("a")) == b"old"  # noqa: S101
        _send(engine, _place("a"), b"new", replace=True)
        assert _read(files, _place("a")) == b"new"  # noqa: S101
        files.make_folder(_place("folder"))
        with pytest.raises(PlatformError):
            _send(engine, _place("folder"), b"new", replace=True)

    def test_an_upload_is_its_owners_alone(self, engine: ProjectUploads) -> None:
        """For others it does not exist."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=_place("a"), size=0, sha256=None, replace=False))
        for project, other in (("weather", uuid4()), ("tides", owner)):
            with pytest.raises(NotFoundError):
                engine.find(project, other, upload.id)
            engine.cancel(project, other, upload.id)
        assert engine.find("weather", owner, upload.id).received == 0  # noqa: S101

    def test_a_cancelled_upload_is_gone(self, engine: ProjectUploads) -> None:
        """Can be repeated."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=_place("a"), size=3, sha256=None, replace=False))
        assert [engine.cancel("weather", owner, upload.id) > 0 for _ in range(2)] == [True, False]  # noqa: S101
        with pytest.raises(NotFoundError):
            engine.finish("weather", owner, upload.id)

    def test_of_many_who_cancel_one_tells_what_it_would_have_taken(self, engine: ProjectUploads) -> None:
        """Whoever gives a quota back goes by it."""
        owner = uuid4()
        for _ in range(10):
            upload = engine.begin(owner, NewUpload(target=_place("a"), size=7, sha256=None, replace=False))
            with ThreadPoolExecutor(8) as pool:
                cancel = partial(engine.cancel, "weather", owner, upload.id)
                told = [done.result() for done in [pool.submit(cancel) for _ in range(8)]]
            assert sorted(told) == [*([0] * 7), 7]  # noqa: S101

    def test_a_dataset_that_is_gone_is_not_made_by_an_upload(self, engine: ProjectUploads) -> None:
        """It would come back without a row."""
        with pytest.raises(NotFoundError):
            _send(engine, _place("a", dataset="absent"), b"new")


class HubContract:
    """What every :class:`~hops_platform.engines.hub.Hub` does."""

    def test_a_server_that_never_was_is_stopped(self, engine: Hub) -> None:
        """There is nothing to fail on."""
        assert engine.server("ada", "weather").state is ServerState.STOPPED  # noqa: S101

    def test_a_started_server_is_starting_or_ready(self, engine: Hub) -> None:
        """Also for a user whom the Hub does not know yet, and when it is started twice."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert engine.server("ada", "weather").state in (ServerState.STARTING, ServerState.READY)  # noqa: S101

    def test_stopping_what_does_not_run_does_nothing(self, engine: Hub) -> None:
        """Deliveries come at least once."""
        engine.stop_server("ada", "weather")
        engine.stop_server("ada", "weather")

    def test_a_stopped_server_is_no_longer_ready(self, engine: Hub) -> None:
        """Whether the Hub needs time for it or not."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        engine.stop_server("ada", "weather")
        assert engine.server("ada", "weather").state in (ServerState.STOPPING, ServerState.STOPPED)  # noqa: S101

    def test_servers_of_one_user_are_apart(self, engine: Hub) -> None:
        """A server belongs to a project."""
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert engine.server("ada", "tides").state is ServerState.STOPPED  # noqa: S101

    def test_a_server_is_among_those_that_run_once_it_was_started(self, engine: Hub) -> None:
        """By its user and its project, and no other."""
        assert not [one for one in engine.running_servers() if one.name == "weather"]  # noqa: S101
        engine.start_server("ada", "weather", title="Weather", options={"executors": 1})
        assert [one for one in engine.running_servers() if one.name == "weather"] == [  # noqa: S101
            RunningServer("ada", "weather")
        ]


class StreamsContract:
    """What every :class:`~hops_platform.engines.streams.Streams` does.

    Each test has topics of its own: a cluster takes a while to start.
    """

    def test_a_topic_is_made_once_and_left_alone(self, engine: Streams) -> None:
        """Deliveries come at least once."""
        assert not engine.has_topic("weather__once")  # noqa: S101
        assert engine.create_topic("weather__once", partitions=2, replicas=1)  # noqa: S101
        assert not engine.create_topic("weather__once", partitions=5, replicas=1)  # noqa: S101
        assert engine.has_topic("weather__once")  # noqa: S101

    def test_a_deleted_topic_is_gone_and_may_be_deleted_again(self, engine: Streams) -> None:
        """A new one of its name is made anew."""
        engine.create_topic("weather__gone", partitions=1, replicas=1)
        engine.settle_rights("weather", [_readable("weather__gone")], group_members=["weather__ada"])
        engine.delete_topic("weather__gone")
        engine.delete_topic("weather__gone")
        _wait_until(lambda: not engine.has_topic("weather__gone"))
        assert engine.create_topic("weather__gone", partitions=1, replicas=1)  # noqa: S101

    def test_what_can_not_be_is_refused(self, engine: Streams) -> None:
        """Asking again is of no use."""
        with pytest.raises(EngineRefusedError, match="fewer brokers"):
            engine.create_topic("weather__spread", partitions=1, replicas=9)
        assert not engine.has_topic("weather__spread")  # noqa: S101

    def test_rights_are_said_as_often_as_one_likes_and_before_there_is_a_topic(self, engine: Streams) -> None:
        """The order of what is delivered is no concern of theirs."""
        rights = [_readable("weather__often"), TopicRights(topic="weather__none")]
        for _ in range(2):
            engine.settle_rights("weather", rights, group_members=["weather__ada", "weather__bob"])
        engine.settle_rights("weather", [TopicRights(topic="weather__often")], group_members=[])

    def test_it_tells_where_it_is_and_what(self, engine: Streams) -> None:
        """For programs, and for whoever looks after it."""
        assert engine.brokers  # noqa: S101
        assert engine.probe()  # noqa: S101


def _readable(topic: str) -> TopicRights:
    return TopicRights(topic=topic, writers=["weather__ada"], readers=["weather__bob"])


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to be")


class LoginsContract:
    """What every :class:`~hops_platform.engines.logins.BrowserLogins` does.

    Beside ``engine`` an adapter's test gives the fixture ``authorize``: it plays the browser of ada, who is logged in
    at the Hub, goes to an address, and tells the code that the browser is sent back with.
    """

    def test_a_log_in_ends_with_the_user(self, engine: BrowserLogins, authorize: Callable[[str], str]) -> None:
        """The whole way of a browser."""
        address, verifier = engine.begin("the-state")
        assert "the-state" in address  # noqa: S101
        token = engine.finish(authorize(address), verifier=verifier)
        assert engine.person_of(token) is None  # noqa: S101
        for _ in range(2):
            assert engine.user_of(token, hub_session="") == "ada"  # noqa: S101
            assert engine.person_of(token) == "ada"  # noqa: S101
        engine.end_all("ada")
        assert engine.person_of(token) is None  # noqa: S101

    def test_a_code_is_good_for_one_log_in(self, engine: BrowserLogins, authorize: Callable[[str], str]) -> None:
        """Whoever finds it later, in a history for instance, gets nothing."""
        address, verifier = engine.begin("the-state")
        code = authorize(address)
        engine.finish(code, verifier=verifier)
        with pytest.raises(EngineRefusedError):
            engine.finish(code, verifier=verifier)

    def test_a_code_is_of_no_use_without_the_verifier(
        self, engine: BrowserLogins, authorize: Callable[[str], str]
    ) -> None:
        """It was made for the browser that began."""
        address, _ = engine.begin("the-state")
        with pytest.raises(EngineRefusedError):
            engine.finish(authorize(address), verifier="another" * 8)

    def test_a_made_up_code_is_refused(self, engine: BrowserLogins) -> None:
        """Nobody is logged in by guessing."""
        _, verifier = engine.begin("the-state")
        with pytest.raises(EngineRefusedError):
            engine.finish("made-up", verifier=verifier)

    def test_a_made_up_token_is_nobodys(self, engine: BrowserLogins) -> None:
        """The cookie comes from the browser and may hold anything."""
        assert engine.user_of("made-up", hub_session="") is None  # noqa: S101
        assert engine.person_of("made-up") is None  # noqa: S101


class TemplatesContract:
    """What every :class:`~hops_platform.engines.templates.ProjectTemplates` does."""

    def test_filling_twice_is_filling_once(self, engine: ProjectTemplates) -> None:
        """Deliveries come at least once."""
        engine.fill("weather", title="Weather")
        engine.fill("weather", title="Weather")


class SessionsContract:
    """What every :class:`~hops_platform.engines.sessions.SparkSessions` does."""

    def test_ending_twice_is_ending_once(self, engine: SparkSessions) -> None:
        """Deliveries come at least once."""
        engine.end_all("weather__ada")
        engine.end_all("weather__ada")


class EnvironmentsContract:
    """What every :class:`~hops_platform.engines.environments.ProjectEnvironments` does."""

    def test_making_and_removing_can_be_repeated(self, engine: ProjectEnvironments) -> None:
        """Deliveries come at least once."""
        assert not engine.is_current("weather")  # noqa: S101
        engine.create("weather")
        assert engine.prefix("weather") != engine.prefix("tides")  # noqa: S101
        engine.create("weather")
        assert engine.is_current("weather")  # noqa: S101
        assert not engine.is_current("tides")  # noqa: S101
        engine.remove("weather")
        engine.remove("weather")
        assert not engine.is_current("weather")  # noqa: S101


class CapacityContract:
    """What every :class:`~hops_platform.engines.capacity.MachineCapacity` does."""

    def test_there_is_something_to_use(self, engine: MachineCapacity) -> None:
        """Nothing runs without a core and memory."""
        capacity = engine.read()
        assert capacity.cores >= 1  # noqa: S101
        assert capacity.memory_mib >= 1  # noqa: S101
