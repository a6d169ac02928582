"""A real HDFS keeps the contracts of the ports for files."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.hdfs_tree import HdfsTree
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.local_uploads import LocalUploads
from hops_platform.adapters.storage.site import StoragePorts, ports_of_tree
from hops_platform.adapters.storage.split import deliver_to
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.adapters.storage.trees import all_nodes
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.database import now
from hops_platform.engines.files import EntryKind, NewUpload
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place
from hops_platform.engines.storage import DatasetRights
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PlatformError,
    StorageFullError,
    TooLargeError,
)

from .on_a_tree import ArchivesOnATree, FilesOnATree, StorageOnATree, UploadsOnATree, names_in, place

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


class TestHdfsStorage(StorageOnATree):
    pass


class TestHdfsFiles(FilesOnATree):
    pass


class TestHdfsUploads(UploadsOnATree):
    pass


class TestHdfsArchives(ArchivesOnATree):
    pass


class AsUser:
    """What somebody does on HDFS past the platform, as a Spark session would."""

    def __init__(self, cluster: Any, root: Path, name: str) -> None:
        self.cluster, self.root, self.name = cluster, root, name

    def may(self, method: str, path: str, op: str, **params: str) -> bool:
        if op == "MKDIRS":
            params |= {"permission": "755", "unmaskedpermission": "777"}  # as Hadoop's own client
        answer = self.cluster.ask(method, f"/{'/'.join(self.root)}/{path}", op, user=self.name, **params)
        assert answer.ok or answer.status_code == 403, answer.text
        return answer.ok

    def write(self, path: str, data: bytes) -> bool:
        where = f"/{'/'.join(self.root)}/{path}"
        told = self.cluster.ask(
            "PUT", where, "CREATE", user=self.name, noredirect="true", overwrite="false",
            permission="644", unmaskedpermission="666",
        )  # fmt: skip
        answer = httpx.put(told.json()["Location"], content=data, trust_env=False)
        assert answer.is_success or answer.status_code == 403, answer.text
        return answer.is_success

    def read(self, path: str) -> bool:
        return self.may("GET", path, "OPEN", noredirect="true")


@pytest.fixture
def as_user(tree: HdfsTree, hdfs_cluster: Any) -> Callable[[str], AsUser]:
    return lambda name: AsUser(hdfs_cluster, tree._hdfs._root, name)


@pytest.fixture
def as_superuser(hdfs_cluster: Any, tree: HdfsTree) -> Iterator[HdfsTree]:
    """The same place; the platform's user is one whom HDFS refuses nothing."""
    hdfs = WebHdfs(f"http://127.0.0.1:{hdfs_cluster.http}", user="hdfs", root=tree._hdfs._root)
    yield HdfsTree(hdfs)
    hdfs.close()


@pytest.mark.usefixtures("datasets")
class TestRights:
    """Of project-users, past the platform."""

    def test_nobody_enters_before_somebody_is_let_in(self, tree: HdfsTree, as_user: Callable[[str], AsUser]) -> None:
        eve = as_user("weather__ada")
        assert not eve.may("GET", "weather/raw", "LISTSTATUS")
        assert not eve.may("GET", "weather", "LISTSTATUS")
        assert not eve.write("weather/raw/a", b"a")
        StoredFiles(tree).empty_trash("weather")
        assert not eve.may("GET", ".hops", "LISTSTATUS")
        assert not eve.may("GET", ".hops/given-up", "LISTSTATUS")

    def test_members_come_and_go(self, storage: StoredStorage, tree: HdfsTree, as_user: Callable[..., AsUser]) -> None:
        ada, bob, eve = (as_user(name) for name in ("weather__ada", "weather__bob", "tides__eve"))
        storage.settle_rights("weather", [DatasetRights(dataset="raw", writers=["weather__ada", "weather__bob"])])
        assert ada.may("PUT", "weather/raw/2026", "MKDIRS")
        assert ada.write("weather/raw/2026/may", b"rain")
        assert bob.read("weather/raw/2026/may")
        assert bob.write("weather/raw/2026/june", b"sun")
        assert not eve.read("weather/raw/2026/may")
        # The platform sees, copies, moves and deletes what members have made, and they what it has made.
        files = StoredFiles(tree)
        assert names_in(files, place("2026")) == ["june", "may"]
        files.copy(place("2026"), place("copy"), most_entries=9, most_bytes=99)
        assert bob.write("weather/raw/copy/july", b"")
        files.trash(place("2026"), by="ada")
        storage.settle_rights("weather", [DatasetRights(dataset="raw", writers=["weather__bob"])])
        assert not ada.read("weather/raw/copy/may")
        assert not ada.may("GET", "weather/raw", "LISTSTATUS")
        assert bob.read("weather/raw/copy/may")

    def test_who_may_read_changes_nothing_anywhere(
        self, as_superuser: HdfsTree, home: Home, as_user: Callable[..., AsUser]
    ) -> None:
        storage, files = StoredStorage(as_superuser, LocalStorage(home), {"Jupyter"}), StoredFiles(as_superuser)
        ada, bob = as_user("weather__ada"), as_user("tides__bob")
        own = DatasetRights(dataset="raw", writers=["weather__ada"])
        storage.settle_rights("weather", [own, DatasetRights(dataset="other", writers=["weather__ada"])])
        assert ada.may("PUT", "weather/raw/2026", "MKDIRS")
        assert ada.write("weather/raw/2026/may", b"rain")
        for _ in range(2):
            storage.settle_rights("weather", [replace(own, readers=["tides__bob"])])
        # What comes later, and what the platform moves in, copies and restores.
        assert ada.write("weather/raw/2026/june", b"sun")
        assert ada.may("PUT", "weather/other/moved", "MKDIRS")
        files.move(place("moved", dataset="other"), place("moved"))
        files.copy(place("2026"), place("copied"), most_entries=9, most_bytes=99)
        item = files.trash(place("2026"), by="ada")
        files.restore("weather", item.id, target=place("restored"))
        for folder in ("restored", "copied", "moved"):
            assert bob.may("GET", f"weather/raw/{folder}", "LISTSTATUS")
            assert not bob.write(f"weather/raw/{folder}/mine", b"x")
            assert not bob.may("PUT", f"weather/raw/{folder}/mine", "MKDIRS")
            assert not bob.may("DELETE", f"weather/raw/{folder}", "DELETE", recursive="true")
            assert ada.write(f"weather/raw/{folder}/hers", b"x")
        for name in ("may", "june"):
            assert bob.read(f"weather/raw/restored/{name}")
            assert not bob.may("DELETE", f"weather/raw/restored/{name}", "DELETE")
        assert not bob.may("PUT", "weather/raw/mine", "MKDIRS")
        assert not bob.may("GET", "weather/other", "LISTSTATUS")
        storage.settle_rights("weather", [own])
        assert not bob.read("weather/raw/restored/may")
        storage.settle_rights("weather", [replace(own, writers=["weather__ada", "tides__bob"])])
        assert bob.write("weather/raw/restored/now", b"x")

    def test_a_reader_stays_out_where_not_all_can_be_closed_to_their_writing(
        self, storage: StoredStorage, as_user: Callable[..., AsUser]
    ) -> None:
        own = DatasetRights(dataset="raw", writers=["weather__ada"])
        storage.settle_rights("weather", [own])
        assert as_user("weather__ada").write("weather/raw/hers", b"x")
        with pytest.raises(PlatformError):
            storage.settle_rights("weather", [replace(own, readers=["tides__bob"])])
        assert not as_user("tides__bob").read("weather/raw/hers")
        assert as_user("weather__ada").read("weather/raw/hers")

    def test_more_than_a_list_takes_are_told_and_other_datasets_are_done(
        self, storage: StoredStorage, as_user: Callable[..., AsUser]
    ) -> None:
        many = DatasetRights(dataset="raw", writers=[f"weather__u{number}" for number in range(40)])
        with pytest.raises(EngineRefusedError, match="28 project-users"):
            storage.settle_rights("weather", [many, DatasetRights(dataset="other", writers=["weather__ada"])])
        assert as_user("weather__ada").write("weather/other/a", b"a")
        storage.settle_rights("weather", [replace(many, writers=many.writers[:28])])
        assert as_user("weather__u27").write("weather/raw/a", b"a")

    def test_a_dataset_that_comes_back_lets_nobody_in_by_itself(
        self, storage: StoredStorage, tree: HdfsTree, as_user: Callable[..., AsUser]
    ) -> None:
        storage.settle_rights(
            "weather", [DatasetRights(dataset="raw", writers=["weather__ada"], readers=["tides__eve"])]
        )
        assert as_user("weather__ada").write("weather/raw/a", b"a")
        item = uuid4()
        StoredFiles(tree).trash_dataset(place(), item=item, description="", by="ada")
        StoredFiles(tree).restore_dataset(place(), item=item)
        for user in ("weather__ada", "tides__eve", "sea__kim"):
            assert not as_user(user).read("weather/raw/a")

    def test_a_dataset_that_is_not_made_yet_is_asked_for_again(self, storage: StoredStorage) -> None:
        with pytest.raises(EngineUnavailableError):
            storage.settle_rights("weather", [DatasetRights(dataset="later", writers=["weather__ada"])])
        storage.settle_rights("weather", [DatasetRights(dataset="later", writers=[])])


@pytest.mark.usefixtures("datasets")
class TestHdfsAlone:
    """What HDFS does otherwise than a disk."""

    @pytest.fixture
    def files(self, tree: HdfsTree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def uploads(self, tree: HdfsTree, home: Home) -> LocalUploads:
        return LocalUploads(home, deliver_to(tree, {"Jupyter"}))

    def test_a_name_that_hdfs_has_not_is_told(self, files: StoredFiles) -> None:
        with pytest.raises(InvalidRequestError, match="':'"):
            files.make_folder(place("10:30"))
        files.make_folder(place("a"))
        with pytest.raises(InvalidRequestError, match="':'"):
            files.move(place("a"), place("b:c"))
        assert names_in(files, place()) == ["a"]

    def test_no_room_is_told_as_such_and_nothing_is_left(
        self, files: StoredFiles, uploads: LocalUploads, hdfs_cluster: Any, tree: HdfsTree
    ) -> None:
        send(uploads, place("a"), bytes(100_000))
        root = "/" + "/".join(tree._hdfs._root)
        hdfs_cluster.ask("PUT", root, "SETQUOTA", storagespacequota="150000", namespacequota="1000").raise_for_status()
        with pytest.raises(StorageFullError):
            files.copy(place("a"), place("b"), most_entries=9, most_bytes=2**20)
        with pytest.raises(StorageFullError):
            send(uploads, place("c"), bytes(100_000))
        assert names_in(files, place()) == ["a"]
        count = hdfs_cluster.ask("GET", root, "GETCONTENTSUMMARY").json()["ContentSummary"]
        assert count["fileCount"] == 1

    def test_a_folder_that_a_tenant_has_closed_is_told(
        self, files: StoredFiles, storage: StoredStorage, as_user: Callable[..., AsUser]
    ) -> None:
        storage.settle_rights("weather", [DatasetRights(dataset="raw", writers=["weather__ada"])])
        ada = as_user("weather__ada")
        assert ada.may("PUT", "weather/raw/hers", "MKDIRS")
        assert ada.may("PUT", "weather/raw/hers", "SETPERMISSION", permission="700")
        with pytest.raises(ConflictError, match="closed by its own permissions"):
            files.list_folder(place("hers"), limit=9)

    def test_what_a_tenant_put_in_a_folders_way_is_no_folder(self, files: StoredFiles, uploads: LocalUploads) -> None:
        send(uploads, place("a"), b"a")
        for call in (
            lambda: files.list_folder(place("a"), limit=1),
            lambda: files.make_folder(place("a", "b")),
            lambda: files.stat(place("a", "b")),
            lambda: send(uploads, place("a", "b"), b""),
        ):
            with pytest.raises(NotFoundError):
                call()

    def test_what_was_begun_and_left_is_swept(self, files: StoredFiles, tree: HdfsTree) -> None:
        tree.make_folder((".hops", "drafts", "left", "item"))
        files.sweep(before=now() - timedelta(days=1))
        assert tree.stat((".hops", "drafts", "left")).kind is EntryKind.FOLDER
        files.sweep(before=now() + timedelta(days=1))
        with pytest.raises(NotFoundError):
            tree.stat((".hops", "drafts", "left"))

    def test_a_deleted_projects_files_are_kept_out_of_reach(
        self, storage: StoredStorage, tree: HdfsTree, uploads: LocalUploads
    ) -> None:
        send(uploads, place("a"), b"a")
        StoredFiles(tree).trash(place("a"), by="ada")
        storage.trash_project("weather")
        (kept,) = [node.name for node in all_nodes(tree, (".hops", "deleted"))]
        assert kept.startswith("weather-")
        assert [node.name for node in all_nodes(tree, (".hops", "deleted", kept))] == ["datasets", "trash"]

    def test_a_large_file_comes_and_goes_in_little_memory(self, files: StoredFiles, uploads: LocalUploads) -> None:
        size, piece = 24 * 2**20, bytes(2**20)
        owner = uuid4()
        upload = uploads.begin(owner, NewUpload(target=place("large"), size=size, sha256=None, replace=False))
        with uploads.write("weather", owner, upload.id, offset=0) as writer:
            while writer.missing:
                writer.write(piece)
        tracemalloc.start()
        try:
            uploads.finish("weather", owner, upload.id)
            with files.open_file(place("large")).file as file:
                read = sum(len(part) for part in iter(lambda: file.read(2**20), b""))
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert read == size
        assert most < 12 * 2**20

    def test_a_folder_of_more_than_a_page_is_paged_to_its_end(self, files: StoredFiles, tree: HdfsTree) -> None:
        names = sorted(f"{number:04}" for number in range(25))
        for name in names:
            tree.make_folder(("weather", "raw", name))
        found: list[str] = []
        after = None
        while True:
            page = files.list_folder(place(), limit=4, after=after)
            found += [entry.name for entry in page.entries]
            after = page.next
            if after is None:
                break
        assert found == names

    def test_an_hdfs_that_is_away_is_told(self, home: Home) -> None:
        hdfs = WebHdfs("http://127.0.0.1:9", user="hops", root=("Projects",))
        with pytest.raises(EngineUnavailableError):
            StoredFiles(HdfsTree(hdfs)).stat(place("a"))
        with pytest.raises(EngineUnavailableError):
            StoredStorage(HdfsTree(hdfs), LocalStorage(home), {"Jupyter"}).check()
        hdfs.close()


def send(uploads: LocalUploads, at: Place, data: bytes) -> None:
    owner = uuid4()
    upload = uploads.begin(owner, NewUpload(target=at, size=len(data), sha256=None, replace=False))
    with uploads.write(at.project, owner, upload.id, offset=0) as writer:
        writer.write(data)
    try:
        uploads.finish(at.project, owner, upload.id)
    finally:
        uploads.cancel(at.project, owner, upload.id)


@pytest.mark.usefixtures("datasets")
class TestTwoPlaces:
    """Some datasets on the machine's disk, the others on HDFS."""

    @pytest.fixture
    def ports(self, tree: HdfsTree, home: Home) -> StoragePorts:
        return ports_of_tree(home, tree, {"Jupyter"})

    def test_what_is_copied_appears_whole_on_the_other_side(self, ports: StoragePorts, home: Home) -> None:
        files, folder = ports.files, home.project("weather") / "Jupyter" / "from"
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "a b").write_bytes(b"text")
        (folder / "link").symlink_to("/etc/passwd")
        there, back = place("there"), place("back", dataset="Jupyter")
        copied = files.copy(place("from", dataset="Jupyter"), there, most_entries=9, most_bytes=4)
        assert (copied.entries, copied.size, copied.left_out) == (3, 4, 1)
        files.copy(there, back, most_entries=9, most_bytes=4)
        files.copy(place("there", "below", "a b"), place("file", dataset="Jupyter"), most_entries=1, most_bytes=4)
        assert (home.project("weather") / "Jupyter" / "back" / "below" / "a b").read_bytes() == b"text"
        assert (home.project("weather") / "Jupyter" / "file").read_bytes() == b"text"
        for source, target in ((there, back), (back, there)):
            with pytest.raises(ConflictError):
                files.copy(source, target, most_entries=9, most_bytes=9)

    def test_a_copy_that_may_not_be_leaves_nothing_on_either_side(self, ports: StoragePorts, home: Home) -> None:
        files, folder = ports.files, home.project("weather") / "Jupyter" / "from"
        folder.mkdir()
        (folder / "a").write_bytes(b"text")
        files.copy(place("from", dataset="Jupyter"), place("there"), most_entries=9, most_bytes=9)

        def ended() -> None:
            raise ForbiddenError("Your right has ended.")

        for source, target in (
            (place("from", dataset="Jupyter"), place("x")),
            (place("there"), place("x", dataset="Jupyter")),
        ):
            for entries, size in ((1, 9), (9, 3)):
                with pytest.raises(TooLargeError):
                    files.copy(source, target, most_entries=entries, most_bytes=size)
            with pytest.raises(ForbiddenError):
                files.copy(source, target, most_entries=9, most_bytes=9, leave=Leave(ended))
            with pytest.raises(NotFoundError):
                files.copy(replace(source, parts=("absent",)), target, most_entries=9, most_bytes=9)
            with pytest.raises(NotFoundError):
                files.stat(target)
        assert not list((home.projects / ".uploads" / "weather").glob("copy-*"))

    def test_nothing_is_moved_or_restored_between_them(self, ports: StoragePorts, home: Home) -> None:
        (home.project("weather") / "Jupyter" / "a").write_bytes(b"text")
        here = place("a", dataset="Jupyter")
        with pytest.raises(ConflictError, match="different places"):
            ports.files.move(here, place("a"))
        with pytest.raises(ConflictError, match="different places"):
            ports.archives.pack(here, place("a.zip"), most_entries=9, most_bytes=9)
        item = ports.files.trash(here, by="ada")
        with pytest.raises(ConflictError, match="different places"):
            ports.files.restore("weather", item.id, target=place("a"))
        assert ports.files.restore("weather", item.id, target=here).size == 4
