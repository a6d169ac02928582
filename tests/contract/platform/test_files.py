"""The local disk keeps the contracts of the ports for files, also against a tenant who writes there meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from hops_contract.layout import Home
from hops_contract.opened_up import open_up
from hops_contract.sandbox import SandboxError, command_in_sandbox, find_program, view_of_tenant
from hops_platform.adapters.storage import beneath
from hops_platform.adapters.storage.beneath import open_beneath
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.local_archives import LocalArchives
from hops_platform.adapters.storage.local_files import LocalFiles
from hops_platform.adapters.storage.local_uploads import LocalUploads
from hops_platform.database import new_id, now
from hops_platform.engines.files import EntryKind, NewUpload, ProjectFiles
from hops_platform.engines.places import Place
from hops_platform.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PlatformError,
    StorageFullError,
    TooLargeError,
)
from hops_platform.testing.contracts.archives import ArchivesContract
from hops_platform.testing.contracts.files import FilesContract
from hops_platform.testing.contracts.uploads import UploadsContract

SECRET = b"of nobody here"
ROUNDS = 300


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    LocalStorage(home).create_datasets("weather", ["raw", "other"])
    LocalStorage(home).create_datasets("tides", ["raw"])
    return home


@pytest.fixture
def raw(home: Home) -> Path:
    return home.project("weather") / "raw"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_bytes(SECRET)
    return folder


def place(*parts: str, dataset: str = "raw") -> Place:
    return Place("weather", dataset, parts)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(files: ProjectFiles, at: Place) -> bytes:
    with files.open_file(at).file as file:
        return file.read()


class TestLocalFiles(FilesContract):
    @pytest.fixture
    def engine(self, home: Home) -> LocalFiles:
        return LocalFiles(home)

    @pytest.fixture
    def uploads(self, home: Home) -> LocalUploads:
        return LocalUploads(home)

    def test_what_is_no_file_is_shown_and_never_opened(self, engine: LocalFiles, raw: Path, outside: Path) -> None:
        os.mkfifo(raw / "pipe")
        (raw / "link").symlink_to(outside / "file")
        (raw / "folder-link").symlink_to(outside)
        with socket.socket(socket.AF_UNIX) as one:
            before = Path.cwd()
            os.chdir(raw)
            one.bind("socket")
            os.chdir(before)
        kinds = {entry.name: entry.kind for entry in engine.list_folder(place(), limit=10).entries}
        assert kinds == {
            "folder-link": EntryKind.LINK, "link": EntryKind.LINK, "pipe": EntryKind.OTHER, "socket": EntryKind.OTHER,
        }  # fmt: skip
        for name in ("pipe", "link", "folder-link", "socket"):
            with pytest.raises((InvalidRequestError, NotFoundError)):
                engine.open_file(place(name))
            with pytest.raises(InvalidRequestError):
                engine.copy(place(name), place("copy"), most_entries=10, most_bytes=10)
        for use in (
            lambda: engine.list_folder(place("folder-link"), limit=1),
            lambda: engine.open_file(place("folder-link", "file")),
            lambda: engine.make_folder(place("folder-link", "new")),
            lambda: engine.move(place("folder-link", "file"), place("mine")),
            lambda: engine.trash(place("folder-link", "file"), by="eve"),
        ):
            with pytest.raises(NotFoundError):
                use()
        for name in kinds:
            engine.trash(place(name), by="ada")
        assert names_in(outside) == ["file"]
        assert names_in(raw) == []

    def test_a_dataset_that_was_swapped_for_a_link_is_not_followed(
        self, engine: LocalFiles, home: Home, raw: Path
    ) -> None:
        raw.rmdir()
        raw.symlink_to(home.project("tides") / "raw")
        (home.project("tides") / "raw" / "theirs").write_text("theirs")
        with pytest.raises(NotFoundError):
            engine.list_folder(place(), limit=1)
        with pytest.raises(NotFoundError):
            engine.open_file(place("theirs"))

    def test_a_copy_leaves_links_and_pipes_out(self, engine: LocalFiles, raw: Path, outside: Path) -> None:
        (raw / "from").mkdir()
        (raw / "from" / "program.sh").write_text("true")
        (raw / "from" / "program.sh").chmod(0o750)
        (raw / "from" / "link").symlink_to(outside / "file")
        os.mkfifo(raw / "from" / "pipe")
        copied = engine.copy(place("from"), place("to"), most_entries=10, most_bytes=10)
        assert (copied.entries, copied.size, copied.left_out) == (2, 4, 2)
        assert names_in(raw / "to") == ["program.sh"]
        assert os.access(raw / "to" / "program.sh", os.X_OK)

    @pytest.mark.parametrize("why", ["taken", "room", "entries", "bytes"])
    def test_what_cant_be_copied_is_refused_before_a_byte_is(
        self, engine: LocalFiles, raw: Path, monkeypatch: pytest.MonkeyPatch, why: str
    ) -> None:
        (raw / "from" / "sub").mkdir(parents=True)
        (raw / "from" / "file").write_bytes(b"0123456789")
        monkeypatch.setattr(os, "sendfile", lambda *_given: pytest.fail("something was copied"))
        expected: type[PlatformError] = TooLargeError
        most_entries, most_bytes = (2 if why == "entries" else 10), (9 if why == "bytes" else 2**60)
        if why == "taken":
            (raw / "to").write_text("x")
            expected = ConflictError
        if why == "room":
            with (raw / "from" / "sub" / "sparse").open("wb") as sparse:
                sparse.truncate(2**42)
            expected = StorageFullError
        with pytest.raises(expected):
            engine.copy(place("from"), place("to"), most_entries=most_entries, most_bytes=most_bytes)
        assert names_in(raw) == (["from", "to"] if why == "taken" else ["from"])

    def test_a_copy_that_grows_while_it_is_copied_ends_and_leaves_nothing(
        self, engine: LocalFiles, home: Home, raw: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (raw / "large").write_bytes(b"x")
        sendfile = os.sendfile

        def growing(*given: int | None) -> int:
            with (raw / "large").open("ab") as file:
                file.write(bytes(2**18))
            return sendfile(*given)

        monkeypatch.setattr(os, "sendfile", growing)
        with pytest.raises(TooLargeError):
            engine.copy(place("large"), place("copy"), most_entries=10, most_bytes=2**20)
        assert names_in(raw) == ["large"]
        assert names_in(home.uploads("weather")) == []

    def test_a_folder_in_very_many_others_is_not_copied(self, engine: LocalFiles, raw: Path) -> None:
        (raw / "deep").mkdir()
        (raw / "deep").joinpath(*["a"] * 150).mkdir(parents=True)
        with pytest.raises(TooLargeError):
            engine.copy(place("deep"), place("copy"), most_entries=1000, most_bytes=10)

    def test_names_that_can_not_be_told_are_not_shown(self, engine: LocalFiles, raw: Path) -> None:
        for name in (b"good", b"a\nb", b"\xff", b".hops-x", "exe\u202etxt".encode()):
            (raw / os.fsdecode(name)).write_text("")
        assert [entry.name for entry in engine.list_folder(place(), limit=10).entries] == ["good"]

    def test_odd_times_are_shown(self, engine: LocalFiles, raw: Path) -> None:
        (raw / "old").write_text("")
        os.utime(raw / "old", (-(2**40), -(2**40)))
        assert engine.stat(place("old")).modified.tzinfo is not None

    @pytest.mark.usefixtures("no_way_round_permissions")
    def test_what_is_closed_is_told_as_such(self, engine: LocalFiles, raw: Path) -> None:
        (raw / "closed").mkdir(mode=0)
        with pytest.raises(ConflictError, match="permissions"):
            engine.list_folder(place("closed"), limit=1)

    def test_a_lease_on_a_file_makes_nobody_wait(self, engine: LocalFiles, raw: Path) -> None:
        before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # what tells a holder that somebody wants it
        (raw / "leased").write_text("text")
        with (raw / "leased").open("r+") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            with pytest.raises(ConflictError, match="in use"):
                engine.open_file(place("leased"))
        signal.signal(signal.SIGIO, before)

    def test_the_trash_is_out_of_the_projects_folder_and_on_its_disk(
        self, engine: LocalFiles, home: Home, raw: Path
    ) -> None:
        (raw / "file").write_text("text")
        inode = (raw / "file").stat().st_ino
        item = engine.trash(place("file"), by="ada")
        kept = home.trash("weather") / item.id.hex / "item"
        assert kept.stat().st_ino == inode
        assert not kept.is_relative_to(home.project("weather"))
        for folder in (home.trash("weather"), home.trash("weather").parent):
            assert folder.stat().st_mode & 0o077 == 0

    def test_killed_before_the_move_leaves_the_file_and_nothing_in_the_trash(
        self, engine: LocalFiles, home: Home, raw: Path
    ) -> None:
        (raw / "file").write_text("text")
        begun = home.trash("weather") / new_id().hex
        begun.mkdir(parents=True)
        (begun / "about.json").write_text("{}")
        assert engine.list_trash("weather", limit=10) == []
        engine.sweep(before=now() - timedelta(hours=1))
        assert begun.exists()
        engine.sweep(before=now() + timedelta(seconds=5))
        assert not begun.exists()

    def test_what_was_given_up_is_removed_whatever_is_in_it(
        self, engine: LocalFiles, home: Home, raw: Path, outside: Path
    ) -> None:
        (raw / "folder" / "closed").mkdir(parents=True)
        (raw / "folder" / "link").symlink_to(outside)
        (raw / "folder" / "closed").chmod(0)
        engine.trash(place("folder"), by="ada")
        engine.empty_trash("weather")
        assert not home.trash("weather").exists()
        engine.sweep(before=now())
        assert names_in(home.projects / ".given-up") == []
        assert (outside / "file").read_bytes() == SECRET

    def test_a_deleted_projects_trash_goes_with_it(self, engine: LocalFiles, home: Home, raw: Path) -> None:
        (raw / "file").write_text("text")
        engine.trash(place("file"), by="ada")
        LocalUploads(home).begin(new_id(), NewUpload(target=place("x"), size=1, sha256=None, replace=False))
        LocalStorage(home).trash_project("weather")
        LocalStorage(home).create_datasets("weather", ["raw"])
        assert engine.list_trash("weather", limit=10) == []
        assert not home.uploads("weather").exists()
        (kept,) = (home.root / "trash").glob("weather-*-deleted/*/item")
        assert kept.read_text() == "text"

    def test_a_restored_dataset_stands_beside_what_code_made_in_its_place(self, engine: LocalFiles, raw: Path) -> None:
        (raw / "file").write_text("text")
        item = new_id()
        engine.trash_dataset(place(), item=item, description="", by="ada")
        raw.mkdir()
        (raw / "mine").write_text("mine")
        engine.restore_dataset(place(), item=item)
        names = sorted(entry.name for entry in engine.list_folder(place(), limit=10).entries)
        assert names == ["mine", f"restored-{item.hex[-8:]}"]

    @pytest.mark.parametrize("made", ["file", "link", "broken link", "pipe"])
    @pytest.mark.parametrize("when", ["created", "restored", "deleted"])
    def test_what_code_put_in_a_datasets_place_is_moved_aside(  # noqa: PLR0917 - two are what differs
        self, engine: LocalFiles, home: Home, raw: Path, outside: Path, made: str, when: str
    ) -> None:
        item = new_id()
        (raw / "kept").write_text("kept")
        engine.trash_dataset(place(), item=item, description="", by="ada")
        if made == "file":
            raw.write_text("mine")
        elif made == "pipe":
            os.mkfifo(raw)
        else:
            raw.symlink_to(outside if made == "link" else outside / "absent")
        if when == "created":
            LocalStorage(home).create_datasets("weather", ["raw", "later"])
        elif when == "restored":
            engine.restore_dataset(place(), item=item)
            assert (raw / "kept").read_text() == "kept"
        else:
            engine.trash_dataset(place(), item=(again := new_id()), description="", by="ada")
            engine.trash_dataset(place(), item=again, description="", by="ada")
            assert not os.path.lexists(raw)
            raw.mkdir()
        assert raw.is_dir()
        assert not raw.is_symlink()
        assert names_in(outside) == ["file"]
        # It is kept as a thing in the dataset: only a folder can ever be a dataset again.
        aside = next(one for one in engine.list_trash("weather", limit=10) if one.id != item)
        assert (aside.dataset, aside.path) == ("raw", "raw")
        engine.restore("weather", aside.id, target=place("raw"))
        assert os.path.lexists(raw / "raw")

    @pytest.mark.usefixtures("no_way_round_permissions")
    @pytest.mark.parametrize("closed", ["dataset", "project"])
    def test_folders_that_code_has_closed_hold_nothing_up(
        self, engine: LocalFiles, home: Home, raw: Path, closed: str
    ) -> None:
        item = new_id()
        (raw / "kept").write_text("kept")
        folder = raw if closed == "dataset" else raw.parent
        folder.chmod(0)
        engine.trash_dataset(place(), item=item, description="", by="ada")
        raw.parent.chmod(0o500)
        LocalStorage(home).create_datasets("weather", ["new"])
        engine.restore_dataset(place(), item=item)
        assert (raw / "kept").read_text() == "kept"
        folder.chmod(0)
        LocalStorage(home).trash_project("weather")
        assert not home.project("weather").exists()

    def test_no_link_that_took_a_folders_name_is_opened_up(self, raw: Path, outside: Path) -> None:
        outside.chmod(0o500)
        (raw / "link").symlink_to(outside)
        with (
            open_beneath(raw, ()) as folder,
            pytest.raises(OSError, match="Not a directory"),
            open_up("link", at=folder),
        ):
            pass
        assert outside.stat().st_mode & 0o777 == 0o500
        outside.chmod(0o700)

    def test_more_than_can_be_listed_is_refused_in_words_and_can_be_used_still(
        self, engine: LocalFiles, raw: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(beneath, "MOST_LISTED", 3)
        for name in "abc":
            (raw / name).write_text(name)
        assert [entry.name for entry in engine.list_folder(place(), limit=2, after="a").entries] == ["b", "c"]
        (raw / "d").write_text("d")
        with pytest.raises(ConflictError, match="more than 3 entries") as told:
            engine.list_folder(place(), limit=1, after="c")
        assert "several folders" in (told.value.remedy or "")
        items = [engine.trash(place(name), by="ada") for name in "abcd"]
        with pytest.raises(ConflictError, match="more than 3 entries") as told:
            engine.list_trash("weather", limit=1)
        assert "Empty the trash" in (told.value.remedy or "")
        engine.restore("weather", items[0].id, target=place("a"))
        assert [one.id for one in engine.list_trash("weather", limit=2)] == [items[3].id, items[2].id]
        engine.empty_trash("weather")
        assert engine.list_trash("weather", limit=2) == []

    def test_a_page_of_the_trash_looks_only_at_what_is_on_it(
        self, engine: LocalFiles, raw: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(20):
            (raw / f"{number}").write_text("")
        items = [engine.trash(place(f"{number}"), by="ada").id for number in range(20)]
        looks, lexists = [], os.path.lexists
        monkeypatch.setattr(os.path, "lexists", lambda path: looks.append(path) or lexists(path))
        page = engine.list_trash("weather", limit=3, before=items[10])
        assert [one.id for one in page] == [items[9], items[8], items[7]]
        assert len(looks) == 3

    def test_a_page_of_many_thousand_entries_takes_little_memory(self, engine: LocalFiles, raw: Path) -> None:
        for number in range(20_000):
            os.close(os.open(raw / f"{number:06}", os.O_CREAT))
        tracemalloc.start()
        listing = engine.list_folder(place(), limit=50, after="010000")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [listing.entries[0].name, listing.next] == ["010001", "010050"]
        assert peak < 500_000, "a page's memory does not grow with the folder"


class TestLocalArchives(ArchivesContract):
    @pytest.fixture
    def engine(self, home: Home) -> LocalArchives:
        return LocalArchives(home)

    @pytest.fixture
    def files(self, home: Home) -> LocalFiles:
        return LocalFiles(home)

    @pytest.fixture
    def uploads(self, home: Home) -> LocalUploads:
        return LocalUploads(home)


class TestLocalUploads(UploadsContract):
    @pytest.fixture
    def engine(self, home: Home) -> LocalUploads:
        return LocalUploads(home)

    @pytest.fixture
    def files(self, home: Home) -> LocalFiles:
        return LocalFiles(home)

    def test_nothing_of_it_is_seen_before_it_is_whole(self, engine: LocalUploads, home: Home, raw: Path) -> None:
        owner = new_id()
        upload = engine.begin(owner, NewUpload(target=place("a", "b"), size=4, sha256=None, replace=False))
        with engine.write("weather", owner, upload.id, offset=0) as writer:
            writer.write(b"ab")
        assert names_in(raw) == []
        for folder in (home.uploads("weather"), home.uploads("weather").parent):
            assert folder.stat().st_mode & 0o077 == 0

    def test_what_was_left_behind_is_swept_and_nothing_else(self, engine: LocalUploads, home: Home) -> None:
        owner = new_id()
        wanted = NewUpload(target=place("a"), size=4, sha256=None, replace=False)
        old, fresh = engine.begin(owner, wanted), engine.begin(owner, wanted)
        left = home.uploads("weather") / f"{owner.hex}.{old.id.hex}"
        for path in (left / "data", left):
            os.utime(path, (1, 1))
        engine.sweep(before=now() - timedelta(days=1))
        assert engine.find("weather", owner, fresh.id).received == 0
        with pytest.raises(NotFoundError):
            engine.find("weather", owner, old.id)

    def test_a_file_that_was_put_in_its_place_is_written_by_no_late_writer(
        self, engine: LocalUploads, home: Home
    ) -> None:
        owner = new_id()
        upload = engine.begin(owner, NewUpload(target=place("a"), size=0, sha256=None, replace=False))
        data = home.uploads("weather") / f"{owner.hex}.{upload.id.hex}" / "data"
        late = os.open(data, os.O_RDWR)
        engine.finish("weather", owner, upload.id)
        with pytest.raises(NotFoundError):
            engine.write("weather", owner, upload.id, offset=0)
        os.close(late)

    def test_replacing_goes_by_the_name_and_not_through_links(
        self, engine: LocalUploads, raw: Path, outside: Path
    ) -> None:
        (raw / "link").symlink_to(outside / "file")
        os.link(outside / "file", raw / "hard")
        owner = new_id()
        for name in ("link", "hard"):
            upload = engine.begin(owner, NewUpload(target=place(name), size=3, sha256=None, replace=True))
            with engine.write("weather", owner, upload.id, offset=0) as writer:
                writer.write(b"new")
            engine.finish("weather", owner, upload.id)
            assert (raw / name).read_bytes() == b"new"
            assert not (raw / name).is_symlink()
        assert (outside / "file").read_bytes() == SECRET

    def test_more_than_the_disk_has_room_for_is_refused_at_once(self, engine: LocalUploads) -> None:
        with pytest.raises(StorageFullError):
            engine.begin(new_id(), NewUpload(target=place("a"), size=2**60, sha256=None, replace=False))


def test_a_full_disk_is_told_and_what_came_is_kept(small_disk, tmp_path: Path) -> None:
    home = Home(tmp_path / "small")
    home.root.mkdir()
    small_disk(home.root, 512)
    LocalStorage(home).create_datasets("weather", ["raw"])
    engine, owner = LocalUploads(home), new_id()
    upload = engine.begin(owner, NewUpload(target=place("a"), size=300 * 1024, sha256=None, replace=False))
    (home.root / "filler").write_bytes(bytes(300 * 1024))
    with engine.write("weather", owner, upload.id, offset=0) as writer, pytest.raises(StorageFullError):
        writer.write(bytes(300 * 1024))
    (home.root / "filler").unlink()
    received = engine.find("weather", owner, upload.id).received
    with engine.write("weather", owner, upload.id, offset=received) as writer:
        writer.write(bytes(300 * 1024 - received))
    assert engine.finish("weather", owner, upload.id).size == 300 * 1024


@contextmanager
def swapping(path: Path, outside: Path) -> Iterator[None]:
    """A tenant's process that makes ``path`` a folder and a link to ``outside``, by turns, as fast as it can."""
    stop = threading.Event()
    real, link = path.with_name("real-one"), path.with_name("link-one")

    def swap() -> None:
        link.symlink_to(outside)
        while not stop.is_set():
            with suppress(OSError):
                path.rename(real)
                link.rename(path)
            with suppress(OSError):
                path.rename(link)
                real.rename(path)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class TestRaces:
    """Whatever the outcome of each call, nothing outside is read, written, moved or deleted."""

    @pytest.fixture
    def engine(self, home: Home) -> LocalFiles:
        return LocalFiles(home)

    @pytest.fixture
    def folder(self, raw: Path) -> Path:
        (raw / "folder").mkdir()
        (raw / "folder" / "file").write_bytes(b"of this project")
        return raw / "folder"

    def test_reading(self, engine: LocalFiles, folder: Path, outside: Path) -> None:
        read = set()
        with swapping(folder, outside):
            for _ in range(ROUNDS):
                with suppress(PlatformError):
                    read.add(content(engine, place("folder", "file")))
                with suppress(PlatformError):
                    read.update(entry.name.encode() for entry in engine.list_folder(place("folder"), limit=5).entries)
        assert read <= {b"of this project", b"file"}
        assert read

    def test_writing(self, engine: LocalFiles, home: Home, folder: Path, outside: Path) -> None:
        uploads, owner = LocalUploads(home), new_id()
        with swapping(folder, outside):
            for number in range(ROUNDS):
                with suppress(PlatformError):
                    engine.make_folder(place("folder", f"made-{number}"))
                target = place("folder", f"new-{number}", "file")
                upload = uploads.begin(owner, NewUpload(target=target, size=0, sha256=None, replace=number % 2 == 0))
                with suppress(PlatformError):
                    uploads.finish("weather", owner, upload.id)
                uploads.cancel("weather", owner, upload.id)
        assert names_in(outside) == ["file"]

    def test_moving_and_copying(self, engine: LocalFiles, raw: Path, folder: Path, outside: Path) -> None:
        with swapping(folder, outside):
            for number in range(ROUNDS):
                with suppress(PlatformError):
                    engine.move(place("folder", "file"), place(f"moved-{number}"))
                    engine.move(place(f"moved-{number}"), place("folder", "file"))
                with suppress(PlatformError):
                    engine.copy(place("folder"), place(f"copy-{number}"), most_entries=10, most_bytes=1000)
        assert (outside / "file").read_bytes() == SECRET
        assert names_in(outside) == ["file"]
        assert not [path for path in raw.rglob("*") if path.is_file() and path.read_bytes() == SECRET
                    and not any(above.is_symlink() for above in path.parents)]  # fmt: skip

    def test_packing_and_unpacking(self, home: Home, raw: Path, folder: Path, outside: Path) -> None:
        archives, packed = LocalArchives(home), set()
        (raw / "whole").mkdir()
        with swapping(folder, outside):
            for number in range(ROUNDS // 3):
                bounds = {"most_entries": 100, "most_bytes": 10_000}
                # The folder by its name, what lies in it, and as the place that something goes to.
                for source in (place("folder"), place("folder", "file")):
                    with suppress(PlatformError):
                        archives.pack(source, Place("weather", "other", ("a.zip",)), **bounds)
                        with zipfile.ZipFile(home.project("weather") / "other" / "a.zip") as made:
                            packed |= {made.read(name) for name in made.namelist() if not name.endswith("/")}
                    (home.project("weather") / "other" / "a.zip").unlink(missing_ok=True)
                with suppress(PlatformError):
                    archives.pack(place("whole"), place("folder", f"{number}.zip"), **bounds)
                    archives.unpack(place("folder", f"{number}.zip"), place("folder", f"out-{number}"), **bounds)
        assert packed >= {b"of this project"}
        assert SECRET not in packed
        assert names_in(outside) == ["file"]

    def test_deleting_and_restoring(self, engine: LocalFiles, home: Home, folder: Path, outside: Path) -> None:
        with swapping(folder, outside):
            for _ in range(ROUNDS):
                with suppress(PlatformError):
                    item = engine.trash(place("folder", "file"), by="ada")
                    engine.restore("weather", item.id, target=place("folder", "file"))
        kept = [path.read_bytes() for path in home.trash("weather").glob("*/item")]
        assert SECRET not in kept
        assert (outside / "file").read_bytes() == SECRET
        assert names_in(outside) == ["file"]


def test_a_tenants_sandbox_shows_neither_trash_nor_uploads(home: Home, raw: Path, tmp_path: Path) -> None:
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(str(error))
    (raw / "file").write_text("text")
    LocalFiles(home).trash(place("file"), by="ada")
    LocalUploads(home).begin(new_id(), NewUpload(target=place("x"), size=1, sha256=None, replace=False))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    view = view_of_tenant(
        home, python=Path(sys.executable), read=(), write=(home.project("weather"),), temporary=temporary
    )
    listing = command_in_sandbox(program, [shutil.which("ls") or "ls", "-A", str(home.projects)], view, cwd=raw)
    done = subprocess.run(listing, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["weather"]
