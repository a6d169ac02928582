"""The contract of the files of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from uuid import uuid4

import pytest

from hops_platform.database import now
from hops_platform.engines.files import EntryKind, ProjectFiles, ProjectUploads
from hops_platform.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, TooLargeError
from hops_platform.testing.contracts.file_calls import ended_leave, place, read, send

_FOLDERS = 64 * 1024
"""Bytes that a few folders may take themselves."""


class FilesContract:
    """What every :class:`~hops_platform.engines.files.ProjectFiles` does.

    Beside ``engine`` an adapter's test gives the fixture ``uploads`` for the same place. The project weather has the
    datasets raw and other.
    """

    def test_a_folder_is_paged_by_name(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Whatever the order in which things came, and while they come."""
        for name in ("c", "a", "e", "b", "d"):
            send(uploads, place(name), b"12")
        first = engine.list_folder(place(), limit=2)
        send(uploads, place("aa"), b"1")
        second = engine.list_folder(place(), limit=2, after=first.next)
        third = engine.list_folder(place(), limit=2, after=second.next)
        pages = [[entry.name for entry in page.entries] for page in (first, second, third)]
        assert pages == [["a", "b"], ["c", "d"], ["e"]]
        assert (first.entries[0].kind, first.entries[0].size, third.next) == (EntryKind.FILE, 2, None)

    def test_what_is_not_there_is_told(self, engine: ProjectFiles) -> None:
        """By every call alike."""
        absent, under = place("absent"), place("absent", "file")
        calls: list[Callable[[], object]] = [
            lambda: engine.list_folder(absent, limit=1),
            lambda: engine.list_folder(place(dataset="absent"), limit=1),
            lambda: engine.stat(absent),
            lambda: engine.open_file(absent),
            lambda: engine.make_folder(under),
            lambda: engine.move(absent, place("b")),
            lambda: engine.copy(absent, place("b"), most_entries=1, most_bytes=1),
            lambda: engine.trash(absent, by="ada"),
            lambda: engine.find_in_trash("weather", uuid4()),
            lambda: engine.restore("weather", uuid4(), target=absent),
        ]
        for call in calls:
            with pytest.raises(NotFoundError):
                call()

    def test_folders_are_made_moved_and_copied(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Also into another dataset."""
        assert engine.make_folder(place("one")).kind is EntryKind.FOLDER
        send(uploads, place("one", "file"), b"text")
        engine.move(place("one"), place("two", dataset="other"))
        assert read(engine, place("two", "file", dataset="other")) == b"text"
        copied = engine.copy(place("two", dataset="other"), place("three"), most_entries=2, most_bytes=4)
        assert (copied.entries, copied.size, copied.left_out) == (2, 4, 0)
        assert read(engine, place("three", "file")) == b"text"
        assert read(engine, place("two", "file", dataset="other")) == b"text"

    def test_nothing_is_replaced(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Neither a file nor a folder, be it empty."""
        engine.make_folder(place("folder"))
        for name in ("a", "b"):
            send(uploads, place(name), name.encode())
        for target in ("b", "folder"):
            with pytest.raises(ConflictError):
                engine.make_folder(place(target))
            with pytest.raises(ConflictError):
                engine.move(place("a"), place(target))
            with pytest.raises(ConflictError):
                engine.copy(place("a"), place(target), most_entries=9, most_bytes=9)
        assert [read(engine, place(name)) for name in ("a", "b")] == [b"a", b"b"]

    def test_a_folder_is_not_put_into_itself(self, engine: ProjectFiles) -> None:
        """Nor is it lost by that; a copy in itself is one."""
        engine.make_folder(place("a"))
        with pytest.raises(InvalidRequestError):
            engine.move(place("a"), place("a", "b"))
        assert engine.copy(place("a"), place("a", "b"), most_entries=9, most_bytes=9).entries == 1

    def test_a_dataset_is_no_file_of_its_own(self, engine: ProjectFiles) -> None:
        """It is moved and deleted as a dataset."""
        calls: list[Callable[[], object]] = [
            lambda: engine.open_file(place()),
            lambda: engine.make_folder(place()),
            lambda: engine.move(place(), place("a", dataset="other")),
            lambda: engine.trash(place(), by="ada"),
        ]
        for call in calls:
            with pytest.raises(InvalidRequestError):
                call()

    def test_a_copy_that_is_too_large_leaves_nothing(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """In bytes, and in entries."""
        send(uploads, place("a", "b"), b"text")
        for entries, size in ((1, 100), (100, 3)):
            with pytest.raises(TooLargeError):
                engine.copy(place("a"), place("copy"), most_entries=entries, most_bytes=size)
        assert [entry.name for entry in engine.list_folder(place(), limit=9).entries] == ["a"]

    @pytest.mark.parametrize("every_s", [0.0, 3600.0])
    def test_a_copy_whose_leave_ends_leaves_nothing(
        self, engine: ProjectFiles, uploads: ProjectUploads, every_s: float
    ) -> None:
        """Also where it ends after the last look on the way."""
        send(uploads, place("a", "b"), b"text")
        leave = ended_leave(every_s)
        with pytest.raises(ForbiddenError):
            engine.copy(place("a"), place("copy"), most_entries=9, most_bytes=9, leave=leave)
        assert [entry.name for entry in engine.list_folder(place(), limit=9).entries] == ["a"]

    def test_what_was_deleted_is_restored(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """With the folders that lead there, and not over what came meanwhile."""
        send(uploads, place("a", "b", "file"), b"old")
        item = engine.trash(place("a", "b", "file"), by="ada")
        folder = engine.trash(place("a"), by="bob")
        listed = engine.list_trash("weather", limit=9)
        assert [(one.path, one.kind, one.deleted_by) for one in listed] == [
            ("a", EntryKind.FOLDER, "bob"),
            ("a/b/file", EntryKind.FILE, "ada"),
        ]
        assert engine.list_trash("weather", limit=9, before=folder.id) == [item]
        engine.restore("weather", item.id, target=place("a", "b", "file"))
        assert read(engine, place("a", "b", "file")) == b"old"
        with pytest.raises(ConflictError):
            engine.restore("weather", folder.id, target=place("a"))
        assert engine.list_trash("weather", limit=9) == [folder]
        with pytest.raises(NotFoundError):
            engine.restore("weather", item.id, target=place("c"))

    def test_an_emptied_trash_is_empty(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """At once, and for this project alone; can be repeated."""
        send(uploads, place("a"), b"old")
        item = engine.trash(place("a"), by="ada")
        engine.empty_trash("tides")
        assert engine.find_in_trash("weather", item.id) == item
        engine.empty_trash("weather")
        engine.empty_trash("weather")
        assert engine.list_trash("weather", limit=9) == []

    def test_a_dataset_goes_and_comes_back_once_however_often_it_is_told(
        self, engine: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """Deliveries come at least once."""
        send(uploads, place("a"), b"old")
        item = uuid4()
        for _ in range(2):
            engine.trash_dataset(place(), item=item, description="Rain", by="ada")
        found = engine.find_in_trash("weather", item)
        assert (found.dataset, found.path, found.description) == ("raw", "", "Rain")
        for _ in range(2):
            engine.restore_dataset(place(), item=item)
        assert read(engine, place("a")) == b"old"
        assert engine.list_trash("weather", limit=9) == []

    def test_what_lies_in_datasets_and_in_the_trash_is_measured(
        self, engine: ProjectFiles, uploads: ProjectUploads
    ) -> None:
        """A file counts as long as it is there, in the trash too; folders may take something themselves."""
        empty = engine.measure("weather")
        data = bytes(300_000)
        send(uploads, place("a.bin"), data)
        assert engine.measure("weather") - empty in range(len(data), len(data) + _FOLDERS)
        engine.trash(place("a.bin"), by="ada")
        assert engine.measure("weather") - empty in range(len(data), len(data) + _FOLDERS)
        engine.empty_trash("weather")
        assert engine.measure("weather") - empty < _FOLDERS
        assert engine.measure("nowhere") == 0

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
            send(uploads, place(name, name), name.encode())
        shown = [entry.name for entry in engine.list_folder(place(), limit=99).entries]
        assert sorted(shown) == sorted(names)
        for name in names:
            assert read(engine, place(name, name)) == name.encode()
            engine.move(place(name, name), place(f"to {name}"))
            assert engine.stat(place(f"to {name}")).size == len(name.encode())
            assert [one.name for one in engine.list_folder(place(name), limit=2).entries] == []

    def test_a_file_is_read_from_where_one_likes(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """As a download that goes on does."""
        data = bytes(range(256)) * 40
        send(uploads, place("a"), data)
        opened = engine.open_file(place("a"))
        with opened.file as file:
            for start in (5000, 10, 10239, 0):
                file.seek(start)
                assert file.read(20) == data[start : start + 20]
            file.seek(len(data) + 5)
            assert file.read(1) == b""
        assert opened.size == len(data)
        assert opened.modified.tzinfo is UTC
        assert engine.list_folder(place(), limit=1).entries[0].modified.tzinfo is UTC

    def test_another_content_has_another_version(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Also one of the same length."""
        versions = []
        for content in (b"one", b"two"):
            send(uploads, place("a"), content, replace=True)
            opened = engine.open_file(place("a"))
            opened.file.close()
            versions.append(opened.version)
        assert versions[0] != versions[1]

    def test_of_many_who_take_a_name_one_has_it(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """At the same moment, and nothing is lost of the others."""
        names = [f"from{number}" for number in range(6)]
        for name in names:
            send(uploads, place(name), name.encode())

        def take(name: str) -> bool:
            try:
                engine.move(place(name), place("to"))
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(len(names)) as pool:
            took = [name for name, had in zip(names, pool.map(take, names), strict=True) if had]
        assert [name.encode() for name in took] == [read(engine, place("to"))]
        left = [entry.name for entry in engine.list_folder(place(), limit=9).entries]
        assert left == sorted({*names, "to"} - {*took})

    def test_a_sweep_leaves_what_is_there(self, engine: ProjectFiles, uploads: ProjectUploads) -> None:
        """Files, and what can still be restored."""
        send(uploads, place("a"), b"a")
        send(uploads, place("b"), b"b")
        item = engine.trash(place("b"), by="ada")
        engine.sweep(before=now() + timedelta(days=1))
        assert engine.find_in_trash("weather", item.id) == item
        assert read(engine, place("a")) == b"a"
