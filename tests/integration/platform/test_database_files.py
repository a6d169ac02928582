"""A database's file when several processes or threads begin with it at once."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from hops_platform import database
from hops_platform.database import Database


def test_those_that_begin_a_file_at_once_wait_for_one_another(tmp_path: Path) -> None:
    """SQLite would refuse one of them, about once in a thousand times."""
    for number in range(20):
        url, together = f"sqlite:///{tmp_path / str(number)}", threading.Barrier(4)

        def begin(url: str = url, together: threading.Barrier = together) -> str:
            opened = Database(url)
            together.wait(60)
            try:
                with opened.engine.connect() as connection:
                    return str(connection.execute(text("PRAGMA journal_mode")).scalar())
            finally:
                opened.close()

        with ThreadPoolExecutor(4) as pool:
            assert [one.result(60) for one in [pool.submit(begin) for _ in range(4)]] == ["wal"] * 4


def test_who_holds_a_file_is_waited_for_but_not_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one"
    with sqlite3.connect(file) as holder:
        holder.execute("CREATE TABLE t (c)")
    cursor = sqlite3.connect(file, timeout=0).cursor()
    holder.isolation_level = None
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        database._write_ahead(cursor)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 60_000)
    monkeypatch.setattr(database.time, "sleep", lambda _seconds: holder.rollback())
    database._write_ahead(cursor)
    assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    cursor.connection.close()
    holder.close()
