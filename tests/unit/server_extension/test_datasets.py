"""How much lies in a dataset, counted for as long as one may be kept waiting."""

from __future__ import annotations

from pathlib import Path

from jupyterlab_hops.datasets import measure


def test_files_are_counted_and_links_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "deep" / "deeper" / "one").write_bytes(b"123")
    (folder / "two").write_bytes(b"4567")
    (tmp_path / "secret").write_bytes(b"x" * 100)
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(tmp_path / "secret")
    assert measure(folder) == {"bytes": 7, "files": 2, "whole": True}


def test_a_large_one_is_not_counted_to_its_end(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"x")
    assert measure(tmp_path, most=3) == {"bytes": 3, "files": 3, "whole": False}
    assert measure(tmp_path, seconds=-1) == {"bytes": 0, "files": 0, "whole": False}


def test_what_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert measure(tmp_path / "absent") == {"bytes": 0, "files": 0, "whole": True}
