"""A move in a bucket that is cut off, at whatever moment, costs nobody a file: neither its own nor what was there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

import pytest

from hops_platform.adapters.storage.s3_bucket import Bucket
from hops_platform.adapters.storage.s3_tree import S3Tree
from hops_platform.database import now
from hops_platform.errors import ConflictError, EngineUnavailableError, NotFoundError
from tests.bucket_in_memory import BucketInMemory

ROOT = ("site", "Projects")
DATASET = "site/Projects/red/d"
FROM, THERE, TO = ("red", "d", "from"), ("red", "d", "there"), ("red", "d", "to")
NOTES = "site/Projects/.hops/moves/"


class KilledError(BaseException):
    """The process is gone: nothing more reaches the bucket."""


class Breaking(BucketInMemory):
    """A bucket that is lost with its process before, or with its answer after, so many changes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.lives = -1
        self.lost_answer: Callable[[str], bool] = lambda _key: False
        self.away = False

    def _live(self) -> None:
        if self.lives == 0:
            raise KilledError
        self.lives -= 1

    def put(self, key: str, data: bytes, *, replaces: bool = True) -> None:
        self._live()
        self._reach()
        super().put(key, data, replaces=replaces)
        if self.lost_answer(key):
            self.away = True
            self._reach()

    def remove(self, keys: object) -> None:
        self._live()
        self._reach()
        super().remove(cast("list[str]", keys))

    def _reach(self) -> None:
        if self.away:
            raise EngineUnavailableError("The site's storage (S3) can't be reached.")


@pytest.fixture
def bucket() -> Breaking:
    return Breaking()


def tree_on(bucket: BucketInMemory) -> S3Tree:
    """A control plane's, which has just started."""
    return S3Tree(cast("Bucket", bucket), root=ROOT)


@pytest.fixture
def tree(bucket: Breaking) -> S3Tree:
    tree = tree_on(bucket)
    tree.make_folder(("red", "d", "from"))
    for name in "abc":
        tree.put(("red", "d", "from", name), iter([name.encode()]))
    tree.put(("red", "d", "there"), iter([b"of another member"]))
    return tree


def sweep(bucket: Breaking) -> None:
    """The next control plane starts, and clears away what the last one left."""
    bucket.lives, bucket.away, bucket.lost_answer = -1, False, lambda _key: False
    tree_on(bucket).sweep(before=now())


def held(bucket: Breaking, name: str) -> dict[str, bytes]:
    """What lies at a name of the dataset."""
    start = f"{DATASET}/{name}"
    return {key.removeprefix(start): data for key, data in bucket.objects.items() if key == start or f"{start}/" in key}


FOLDER = {"/": b"", "/a": b"a", "/b": b"b", "/c": b"c"}


def test_a_process_killed_while_it_refuses_a_name_that_is_taken_leaves_what_has_it(
    bucket: Breaking, tree: S3Tree
) -> None:
    for lives in range(4):
        bucket.lives = lives
        with pytest.raises((KilledError, ConflictError)):
            tree.rename(FROM, THERE)
        sweep(bucket)
        assert held(bucket, "there") == {"": b"of another member"}, f"after {lives} changes"
        assert held(bucket, "from") == FOLDER


def test_a_bucket_that_goes_away_while_a_name_is_refused_leaves_what_has_it(
    bucket: Breaking, tree: S3Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_keys: object) -> None:
        raise EngineUnavailableError("The site's storage (S3) can't be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "remove", away)
        with pytest.raises(ConflictError):
            tree.rename(FROM, THERE)
    tree.sweep(before=now())
    assert held(bucket, "there") == {"": b"of another member"}
    assert tree.stat(THERE).size == len(b"of another member")


def test_a_move_killed_after_any_of_its_changes_is_whole_at_one_of_its_names(bucket: Breaking, tree: S3Tree) -> None:
    before = dict(bucket.objects)
    assert tree.stat(FROM)
    for lives in range(40):
        bucket = Breaking()
        bucket.objects = dict(before)
        bucket.lives = lives
        try:
            tree_on(bucket).rename(FROM, TO)
        except KilledError:
            sweep(bucket)
            assert sorted([held(bucket, "from"), held(bucket, "to")], key=len) == [{}, FOLDER], f"after {lives}"
            assert not [key for key, data in bucket.objects.items() if key.startswith(NOTES) and data]
        else:
            return
    raise AssertionError


def test_a_note_whose_answer_was_lost_does_not_cost_what_is_made_there_afterwards(
    bucket: Breaking, tree: S3Tree
) -> None:
    bucket.lost_answer = lambda key: key.startswith(NOTES)
    with pytest.raises(EngineUnavailableError):
        tree.rename(FROM, TO)
    bucket.away, bucket.lost_answer = False, lambda _key: False
    try:
        tree.rename(FROM, TO)  # the person tries again
    except ConflictError:
        tree.sweep(before=now())
        tree.rename(FROM, TO)
    sweep(bucket)
    assert held(bucket, "to") == FOLDER


def test_what_was_said_to_be_copied_is_not_lost_where_that_answer_was_lost_and_the_process_then(tree: S3Tree) -> None:
    before = dict(cast("Breaking", tree._bucket).objects)
    for lives in range(6):
        bucket, notes = Breaking(), []
        bucket.objects = dict(before)

        def second(key: str, notes: list[str] = notes) -> bool:
            notes.extend([key] if key.startswith(NOTES) and not key.endswith("/") else [])
            return len(notes) == 2

        bucket.lost_answer = second
        moving = tree_on(bucket)
        with pytest.raises(EngineUnavailableError):
            moving.rename(FROM, TO)
        # It can be reached again: the move is undone, and the process is killed after any change of that.
        bucket.away, bucket.lost_answer, bucket.lives = False, lambda _key: False, lives
        with suppress(KilledError):
            moving.sweep(before=now())
        sweep(bucket)
        assert sorted([held(bucket, "from"), held(bucket, "to")], key=len) == [{}, FOLDER], f"after {lives} changes"


def test_nothing_is_made_where_something_is_still_on_its_way_out(
    bucket: Breaking, tree: S3Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_keys: object) -> None:
        raise EngineUnavailableError("The site's storage (S3) can't be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "remove", away)
        tree.rename(("red", "d"), (".hops", "deleted"))
    # A dataset of this name is created again. What is made now would go with what was there.
    with pytest.raises(ConflictError):
        tree.make_folder(("red", "d"))
    tree.sweep(before=now())
    tree.make_folder(("red", "d"))
    assert tree.stat(("red", "d"))
    with pytest.raises(NotFoundError):
        tree.stat(THERE)
