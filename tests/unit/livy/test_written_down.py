"""What the session service writes down for its successor: for nobody else to read, and whole or not at all."""

import stat
from pathlib import Path

import pytest

from hops_livy.ended_owners import EndedOwners
from hops_livy.errors import CanNotStartError
from hops_livy.journal import Journal
from hops_livy.session_numbers import SessionNumbers


def write_all(folder: Path) -> None:
    numbers = SessionNumbers(folder, folder / "records")
    numbers.load()
    numbers.give()
    EndedOwners(folder / "ended-owners.json").note("weather__ada")
    journal = Journal(folder / "records" / "0")
    journal.write({"first": 1})
    journal.rewrite([{"second": "\u00e9"}, {"third": Path("p")}])
    journal.keep_token("a.b.c")


def test_nobody_else_can_read_it_and_no_draft_is_left(tmp_path: Path) -> None:
    write_all(tmp_path)
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == dict.fromkeys(("last-id", "ended-owners.json", "journal.jsonl", "token.jwt"), 0o600)
    assert list(Journal(tmp_path / "records" / "0").read()) == [{"second": "\u00e9"}, {"third": "p"}]


def test_what_was_there_stays_where_no_more_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_all(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    numbers = SessionNumbers(tmp_path, tmp_path / "records")
    numbers.load()
    with pytest.raises(CanNotStartError):
        numbers.give()
    EndedOwners(tmp_path / "ended-owners.json").note("weather__bob")
    journal = Journal(tmp_path / "records" / "0")
    journal.rewrite([{"lost": 1}])
    journal.keep_token("d.e.f")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
