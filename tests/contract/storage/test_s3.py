"""A real S3 server keeps the contracts of the ports for files."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage import s3_bucket, s3_tree, stored_archives
from hops_platform.adapters.storage.s3_bucket import PART, Bucket, Found, Key, read_key
from hops_platform.adapters.storage.s3_tree import S3Tree
from hops_platform.adapters.storage.stored_archives import StoredArchives
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.database import now
from hops_platform.engines.files import EntryKind
from hops_platform.engines.places import Place
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    StorageFullError,
)
from tests.contract.s3_server import BUCKET, S3Server

from .on_a_tree import ArchivesOnATree, FilesOnATree, StorageOnATree, UploadsOnATree, names_in, place

# The first that asks for the server may have to wait until it is built.


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


class TestS3Storage(StorageOnATree):
    pass


class TestS3Files(FilesOnATree):
    pass


class TestS3Uploads(UploadsOnATree):
    pass


class TestS3Archives(ArchivesOnATree):
    pass


def key_of(tree: S3Tree, *parts: str) -> str:
    return "/".join((*tree._root, *parts))


class KilledError(BaseException):
    """The process ends here."""


@pytest.mark.usefixtures("datasets")
class TestS3Alone:
    """What a bucket does otherwise than a disk."""

    @pytest.fixture
    def files(self, tree: S3Tree) -> StoredFiles:
        return StoredFiles(tree)

    @pytest.fixture
    def folder(self, tree: S3Tree) -> Place:
        """A folder with three files."""
        tree.make_folder(("weather", "raw", "from"))
        for name in ("a", "b", "c"):
            tree.put(("weather", "raw", "from", name), iter([name.encode()]))
        return place("from")

    def test_a_large_file_goes_in_parts_and_little_of_it_is_in_memory(self, files: StoredFiles, tree: S3Tree) -> None:
        size = 3 * PART + 5
        digest = hashlib.sha256(bytes(size)).hexdigest()
        tree.put(("weather", "raw", "warm-up"), iter([b""]))
        tracemalloc.start()
        try:
            tree.put(("weather", "raw", "large"), (bytes(2**20) for _ in range(24)), size=24 * 2**20)
            tree.put(("weather", "raw", "odd"), (bytes(length) for length in (PART, PART, PART, 5)))
            read = hashlib.sha256()
            with files.open_file(place("odd")).file as file:
                while piece := file.read(2**20):
                    read.update(piece)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert files.stat(place("large")).size == 24 * 2**20
        assert read.hexdigest() == digest
        assert most < 5 * PART

    def test_what_is_replaced_while_its_folder_is_moved_is_lost_in_neither_order(
        self, files: StoredFiles, tree: S3Tree, folder: Place, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target, copy, answers = ("weather", "raw", "from", "a"), bucket.copy, []

        def meanwhile(found: Found, key: str) -> None:
            copy(found, key)
            with pytest.raises((ConflictError, NotFoundError)), tree.draft(target, replaces=True) as draft:
                tree.put(draft.path, iter([b"new"]))
            answers.append(found.key)

        with monkeypatch.context() as patched:
            patched.setattr(bucket, "copy", meanwhile)
            files.move(folder, place("to"))
        assert answers
        files.move(place("to"), folder)
        with tree.draft(target, replaces=True) as draft:
            with pytest.raises(ConflictError):
                files.move(folder, place("to"))
            tree.put(draft.path, iter([b"new"]))
            draft.appear()
        files.move(folder, place("to"))
        with files.open_file(place("to", "a")).file as file:
            assert file.read() == b"new"

    def test_what_takes_long_to_move_is_told(
        self, files: StoredFiles, folder: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not files.moves_slowly("weather", folder)
        assert not files.moves_slowly("weather", None)
        item = files.trash(folder, by="ada")
        monkeypatch.setattr(s3_tree, "MUCH_ENTRIES", 2)
        assert files.moves_slowly("weather", item.id, into="raw")
        assert files.moves_slowly("weather", None)

    def test_an_archive_takes_not_the_last_of_the_platforms_disk(
        self, tree: S3Tree, files: StoredFiles, folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored_archives, "SPARE", 2**62)
        with pytest.raises(StorageFullError, match="the platform's disk than this archive"):
            StoredArchives(tree, Home(tmp_path)).pack(folder, place("a.zip"), most_entries=9, most_bytes=9)
        assert names_in(files, place()) == ["from"]

    def test_a_large_file_whose_leave_ends_is_given_up(self, files: StoredFiles, tree: S3Tree, bucket: Bucket) -> None:
        def ended() -> None:
            raise ForbiddenError("Your right has ended.")

        with pytest.raises(ForbiddenError):
            tree.put(("weather", "raw", "large"), iter([bytes(PART), bytes(PART)]), ready=ended)
        assert names_in(files, place()) == []
        with s3_bucket.told():
            answer = bucket._client.list_multipart_uploads(Bucket=BUCKET, Prefix=key_of(tree, ""))
        assert not answer.get("Uploads")

    def test_a_large_object_is_copied_in_parts(
        self, files: StoredFiles, tree: S3Tree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tree.put(("weather", "raw", "large"), iter([bytes(2 * PART), b"end"]))
        monkeypatch.setattr(s3_bucket, "_MOST_COPIED", 10)
        monkeypatch.setattr(s3_bucket, "_COPIED_PART", PART)
        assert files.copy(place("large"), place("copy"), most_entries=1, most_bytes=2**30).size == 2 * PART + 3
        with files.open_file(place("copy")).file as file:
            file.seek(2 * PART)
            assert file.read() == b"end"

    def test_nobody_sees_half_of_what_is_moved(
        self, files: StoredFiles, bucket: Bucket, folder: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy, remove, seen = bucket.copy, bucket.remove, set()

        def looked(source: Found, key: str) -> None:
            copy(source, key)
            seen.add(("copied", *names_in(files, place())))

        def looked_after(keys: list[str]) -> None:
            if any("/from" in key for key in keys):
                seen.add(("removing", *names_in(files, place())))
            remove(keys)

        monkeypatch.setattr(bucket, "copy", looked)
        monkeypatch.setattr(bucket, "remove", looked_after)
        files.move(folder, place("to"))
        assert seen == {("copied", "from"), ("removing", "to")}
        assert names_in(files, place("to")) == ["a", "b", "c"]
        assert names_in(files, place()) == ["to"]

    @pytest.mark.parametrize("step", ["copy", "remove"])
    def test_a_move_that_was_cut_off_is_undone_or_brought_to_its_end(
        self, tree: S3Tree, bucket: Bucket, folder: Place, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        real, calls = getattr(bucket, step), []

        def killed(*given: object) -> None:
            calls.append(given)
            if len(calls) == 2 or step == "remove":
                # A process that is killed undoes nothing by itself.
                monkeypatch.setattr(tree._moves, "settle", lambda *_given: None)
                raise KilledError
            real(*given)

        with monkeypatch.context() as patch:
            patch.setattr(bucket, step, killed)
            with pytest.raises(KilledError):
                StoredFiles(tree).move(folder, place("to"))
        successor = S3Tree(bucket, root=tree._root)
        files = StoredFiles(successor)
        whole = "from" if step == "copy" else "to"
        # At once nobody sees half of it, and what is left is cleared away later.
        assert names_in(files, place()) == [whole]
        assert names_in(files, place(whole)) == ["a", "b", "c"]
        with pytest.raises(NotFoundError):
            files.list_folder(place("to" if step == "copy" else "from"), limit=1)
        files.sweep(before=now())
        found, _ = bucket.page(key_of(tree, "weather", "raw", ""), after=None, apart=True)
        assert {one.key.removeprefix(key_of(tree, "weather", "raw", "")).partition("/")[0] for one in found} == {
            "", whole,
        }  # fmt: skip
        assert names_in(StoredFiles(S3Tree(bucket, root=tree._root)), place()) == [whole]

    def test_a_bucket_that_goes_away_in_the_middle_leaves_the_source_whole(
        self, files: StoredFiles, bucket: Bucket, folder: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_given: object) -> None:
            raise EngineUnavailableError("The site's storage (S3) can't be reached.")

        with monkeypatch.context() as patch:
            patch.setattr(bucket, "copy", away)
            patch.setattr(bucket, "remove", away)
            with pytest.raises(EngineUnavailableError):
                files.move(folder, place("to"))
        assert names_in(files, place()) == ["from"]
        with pytest.raises(ConflictError):
            files.make_folder(place("to"))
        files.sweep(before=now())
        files.move(folder, place("to"))
        assert names_in(files, place("to")) == ["a", "b", "c"]

    def test_what_is_made_under_a_name_at_one_moment_is_not_mixed(self, files: StoredFiles, folder: Place) -> None:
        def copy(_number: int) -> bool:
            try:
                files.copy(folder, place("to"), most_entries=9, most_bytes=99)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(copy, range(4))) == 1
        assert names_in(files, place("to")) == ["a", "b", "c"]

    def test_a_folder_comes_where_its_name_with_a_slash_would(self, files: StoredFiles, tree: S3Tree) -> None:
        for name in ("a.txt", "a-b", "a", "b"):
            if name == "a":
                tree.make_folder(("weather", "raw", "a"))
                tree.put(("weather", "raw", "a", "in"), iter([b""]))
            else:
                tree.put(("weather", "raw", name), iter([b""]))
        found: list[str] = []
        after: str | None = None
        while True:
            page = files.list_folder(place(), limit=1, after=after)
            found += [entry.name for entry in page.entries]
            after = page.next
            if after is None:
                break
        assert found == ["a-b", "a.txt", "a", "b"]

    def test_what_others_wrote_without_folders_lies_in_folders(
        self, files: StoredFiles, tree: S3Tree, bucket: Bucket
    ) -> None:
        bucket.put(key_of(tree, "weather", "raw", "2026", "may", "rain.csv"), b"day")
        bucket.put(key_of(tree, "weather", "raw", "2026", ".hops-hidden"), b"x")
        assert names_in(files, place()) == ["2026"]
        assert names_in(files, place("2026")) == ["may"]
        assert files.stat(place("2026", "may")).kind is EntryKind.FOLDER
        files.trash(place("2026", "may", "rain.csv"), by="ada")
        assert names_in(files, place("2026", "may")) == []

    def test_a_file_that_is_replaced_while_it_is_read_is_told(self, files: StoredFiles, tree: S3Tree) -> None:
        tree.put(("weather", "raw", "a"), iter([bytes(100)]))
        with files.open_file(place("a")).file as file:
            tree.put(("weather", "raw", "a"), iter([b"1" * 100]))
            with pytest.raises(ConflictError):
                file.read(10)

    def test_a_path_that_makes_no_key_is_told(self, files: StoredFiles) -> None:
        with pytest.raises(InvalidRequestError, match="too long"):
            files.stat(place(*["a" * 200] * 5))

    def test_a_wrong_key_is_told_without_it(self, s3_server: S3Server) -> None:
        bucket = Bucket(BUCKET, endpoint=s3_server.endpoint, region="us-east-1", key=Key("tests", "wrong-secret"))
        with pytest.raises(EngineRefusedError) as told:
            S3Tree(bucket, root=("x",)).put(("a",), iter([b"a"]))
        bucket.close()
        assert "wrong-secret" not in f"{told.value.detail}{told.value.remedy}"
        assert "wrong-secret" not in repr(Key("tests", "wrong-secret"))

    def test_a_service_that_is_away_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
        bucket = Bucket(BUCKET, endpoint="http://127.0.0.1:9", region="us-east-1", key=Key("a", "b"))
        with pytest.raises(EngineUnavailableError):
            bucket.look("a")
        bucket.close()


@pytest.mark.parametrize("text", ["", "secret", "[]", '{"access_key": "a"}', '{"access_key": "a", "secret_key": ""}'])
def test_a_file_without_a_key_is_told_without_what_is_in_it(text: str) -> None:
    with pytest.raises(ValueError, match="access_key") as told:
        read_key(text)
    assert '"secret"' not in str(told.value)
