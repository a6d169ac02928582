"""The laws of places, of ranges, and of what counts as a program."""

from __future__ import annotations

import pytest

from hops_platform.engines.places import MAX_PART_BYTES, MAX_PATH_BYTES, Place, is_shown, parse_place
from hops_platform.errors import InvalidRequestError, RangeNotSatisfiableError
from hops_platform.files.programs import MOST_PROGRAM_BYTES, is_program
from hops_platform.files.ranges import ByteRange, asked_range

BAD_PATHS = [
    "..", ".", "../x", "a/../b", "a/..", "a/./b", "/etc/passwd", "/", "//", "a//b", "a/", "a\\b", "..\\x", "a\x00b",
    "a\nb", "a\rb", "\x1b[2J", "a\x7f", "a\x85b", "a\u2028b", "exe\u202etxt.md", "a\u2066b", "\ud800", ".hops",
    ".hops-trash/x", "a/.hopsfile", "x" * (MAX_PART_BYTES + 1), "é" * 128, "/".join(["abc"] * 300), "/".join("a" * 65),
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_breaks_a_law_names_no_place(path: str) -> None:
    with pytest.raises(InvalidRequestError) as told:
        parse_place("weather", "raw", path)
    assert "\x1b" not in told.value.detail


@pytest.mark.parametrize(
    "path", ["a", "a/b.csv", "...", "..a", "a..", " a ", "ünï/çødé", "%2e%2e", "~", "-rf", ".git", "a:b", "x" * 255]
)
def test_all_else_is_a_name(path: str) -> None:
    place = parse_place("weather", "raw", path)
    assert place.path == path
    assert all(is_shown(part) for part in place.parts)


@pytest.mark.parametrize(
    ("project", "dataset"),
    [
        ("..", "raw"), ("Weather", "raw"), ("", "raw"),
        ("weather", ".."), ("weather", "a/b"), ("weather", ""), ("weather", ".trash"), ("weather", "raw\n"),
    ],
)  # fmt: skip
def test_no_place_lies_in_what_is_no_dataset_of_a_project(project: str, dataset: str) -> None:
    with pytest.raises(InvalidRequestError):
        Place(project, dataset)


def test_the_empty_path_is_the_datasets_folder_which_has_no_folder_above_it() -> None:
    place = parse_place("weather", "raw", "")
    assert (place.parts, place.name, str(place)) == ((), "raw", "raw")
    with pytest.raises(InvalidRequestError):
        _ = place.parent


def test_a_long_path_is_refused_before_it_is_taken_apart() -> None:
    with pytest.raises(InvalidRequestError):
        parse_place("weather", "raw", "/" * (MAX_PATH_BYTES * 1000))


@pytest.mark.parametrize(
    ("header", "first", "last", "part"),
    [
        (None, 0, 99, False),
        ("bytes=0-9", 0, 9, True),
        ("bytes=90-", 90, 99, True),
        ("bytes=-10", 90, 99, True),
        ("bytes=-1000", 0, 99, True),
        ("bytes=50-1000", 50, 99, True),
        ("bytes=9-0", 0, 99, False),
        ("bytes=0-1,5-6", 0, 99, False),
        ("items=0-1", 0, 99, False),
        ("bytes=-", 0, 99, False),
        ("bytes=" + "9" * 50 + "-", 0, 99, False),
    ],
)
def test_one_range_of_bytes_is_understood_and_all_else_passed_over(header, first, last, part) -> None:
    assert asked_range(header, size=100) == ByteRange(first, last, part=part)


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_that_the_file_has_not_is_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiableError):
        asked_range(header, size=100)


def test_an_empty_file_is_whole_and_has_no_part() -> None:
    assert asked_range(None, size=0).length == 0
    with pytest.raises(RangeNotSatisfiableError):
        asked_range("bytes=0-", size=0)


@pytest.mark.parametrize(
    ("path", "size", "told"),
    [
        ("a.py", 1, True), ("b/A.IPYNB", MOST_PROGRAM_BYTES, True), ("a.json", MOST_PROGRAM_BYTES + 1, False),
        ("a.csv", 1, False), ("a.py.csv", 1, False), ("py", 1, False), (".py", 1, False), ("a.py/data", 1, False),
        ("a.parquet", 1, False), ("a.py ", 1, False),
    ],
)  # fmt: skip
def test_programs_are_told_by_their_ending_and_their_size(path, size, told) -> None:
    assert is_program(path, size) is told
