"""Names in a bucket that are as long as they may be are no way to make what nobody can delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.s3_bucket import Bucket, Found
from hops_platform.adapters.storage.s3_tree import S3Tree
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.engines.places import Place
from hops_platform.errors import InvalidRequestError, NotFoundError


class InMemory:
    """As much of a bucket as a tree needs; its keys are as long as those of S3."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def look(self, key: str) -> Found:
        if key not in self.objects:
            raise NotFoundError("absent")
        return Found(key=key, size=len(self.objects[key]))

    def page(self, prefix: str, *, after: str | None, apart: bool, most: int = 1000) -> tuple[Sequence[Found], bool]:
        assert apart
        assert after is None
        found = [self.look(key) for key in sorted(self.objects) if key.startswith(prefix)]
        return found[:most], len(found) > most

    def all_below(self, prefix: str) -> Iterator[Found]:
        yield from self.page(prefix, after=None, apart=True, most=10_000)[0]

    def put(self, key: str, data: bytes, *, replaces: bool = True) -> None:
        assert replaces or key not in self.objects
        if len(key.encode()) > 1024:
            raise InvalidRequestError("KeyTooLongError")
        self.objects[key] = data

    def put_pieces(
        self, key: str, pieces: Iterable[bytes], *, size: int | None, replaces: bool, ready: Callable[[], None] | None
    ) -> None:
        del size, ready
        self.put(key, b"".join(pieces), replaces=replaces)

    def copy(self, source: Found, key: str) -> None:
        self.put(key, self.objects[source.key])

    def remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)


@pytest.fixture
def bucket() -> InMemory:
    return InMemory()


@pytest.fixture
def tree(bucket: InMemory) -> S3Tree:
    return S3Tree(cast("Bucket", bucket), root=("site", "Projects"))


def longest(tree: S3Tree, dataset: str) -> Place:
    """The longest place that a file is written to, in folders as long as they may be."""
    parts = tuple("x" * 200 for _ in range(4))
    tree.make_folder(("red", dataset, *parts))
    for length in range(200, 0, -1):
        place = Place("red", dataset, (*parts, "x" * length))
        try:
            tree.put(("red", dataset, *place.parts), [b"x"])
        except InvalidRequestError:
            continue
        return place
    raise AssertionError


def test_the_longest_file_goes_to_the_trash_and_the_trash_is_emptied(tree: S3Tree, bucket: InMemory) -> None:
    files = StoredFiles(tree)
    place = longest(tree, "d")
    files.trash(place, by="eve")
    longest(tree, "d")
    files.trash_dataset(Place("red", "d"), item=uuid4(), description="", by="eve")
    files.empty_trash("red")
    assert not [key for key in bucket.objects if key.startswith("site/Projects/.hops/trash/red/")]
    assert not [key for key in bucket.objects if key.startswith("site/Projects/red/d")]


def test_a_project_with_the_longest_file_is_deleted_with_its_trash(
    tree: S3Tree, bucket: InMemory, tmp_path: Path
) -> None:
    storage = StoredStorage(tree, LocalStorage(Home(tmp_path)), {"Jupyter"})
    StoredFiles(tree).trash(longest(tree, "d"), by="eve")
    longest(tree, "d")
    storage.trash_project("red")
    assert not [key for key in bucket.objects if key.startswith("site/Projects/red/")]
    assert not [key for key in bucket.objects if key.startswith("site/Projects/.hops/trash/red/")]


def test_what_is_moved_does_not_become_longer_than_that(tree: S3Tree, bucket: InMemory) -> None:
    place = longest(tree, "d")
    tree.make_folder(("red", "longer-name"))
    with pytest.raises(InvalidRequestError, match="896 bytes"):
        StoredFiles(tree).move(Place("red", "d", place.parts[:1]), Place("red", "longer-name", place.parts[:1]))
    assert "site/Projects/red/d/" + "/".join(place.parts) in bucket.objects
    assert not [key for key in bucket.objects if key.startswith("site/Projects/red/longer-name/x")]
