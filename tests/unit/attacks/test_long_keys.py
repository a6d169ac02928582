"""Names in a bucket that are as long as they may be are no way to make what nobody can delete."""

from __future__ import annotations

from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.s3_bucket import Bucket
from hops_platform.adapters.storage.s3_tree import S3Tree
from hops_platform.adapters.storage.stored import StoredStorage
from hops_platform.adapters.storage.stored_files import StoredFiles
from hops_platform.engines.places import Place
from hops_platform.errors import InvalidRequestError
from tests.bucket_in_memory import BucketInMemory


@pytest.fixture
def bucket() -> BucketInMemory:
    return BucketInMemory()


@pytest.fixture
def tree(bucket: BucketInMemory) -> S3Tree:
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


def test_the_longest_file_goes_to_the_trash_and_the_trash_is_emptied(tree: S3Tree, bucket: BucketInMemory) -> None:
    files = StoredFiles(tree)
    place = longest(tree, "d")
    files.trash(place, by="eve")
    longest(tree, "d")
    files.trash_dataset(Place("red", "d"), item=uuid4(), description="", by="eve")
    files.empty_trash("red")
    assert not [key for key in bucket.objects if key.startswith("site/Projects/.hops/trash/red/")]
    assert not [key for key in bucket.objects if key.startswith("site/Projects/red/d")]


def test_a_project_with_the_longest_file_is_deleted_with_its_trash(
    tree: S3Tree, bucket: BucketInMemory, tmp_path: Path
) -> None:
    storage = StoredStorage(tree, LocalStorage(Home(tmp_path)), {"Jupyter"})
    StoredFiles(tree).trash(longest(tree, "d"), by="eve")
    longest(tree, "d")
    storage.trash_project("red")
    assert not [key for key in bucket.objects if key.startswith("site/Projects/red/")]
    assert not [key for key in bucket.objects if key.startswith("site/Projects/.hops/trash/red/")]


def test_what_is_moved_does_not_become_longer_than_that(tree: S3Tree, bucket: BucketInMemory) -> None:
    place = longest(tree, "d")
    tree.make_folder(("red", "longer-name"))
    with pytest.raises(InvalidRequestError, match="896 bytes"):
        StoredFiles(tree).move(Place("red", "d", place.parts[:1]), Place("red", "longer-name", place.parts[:1]))
    assert "site/Projects/red/d/" + "/".join(place.parts) in bucket.objects
    assert not [key for key in bucket.objects if key.startswith("site/Projects/red/longer-name/x")]
