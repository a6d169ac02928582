"""The database: SQLite or PostgreSQL behind SQLAlchemy, one transaction a request."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, create_engine, event, make_url, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

BUSY_TIMEOUT_MS = 10_000
_PAUSE_S = 0.02
_WRITES = "hops_writes"
# The most that SQLite maps of a file; what a file has beyond is read, a page at a time.
_MAPPED_BYTES = 0x7FFF0000
# A request's steps run in several threads, one after the other.
_SQLITE_ARGUMENTS = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with its zone; SQLite would drop it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses moments without a zone; keeps UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone can't be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Gives the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables; names of constraints are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def new_id() -> uuid.UUID:
    """A new key: a UUIDv7, so later keys are larger."""
    return uuid7()


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class Database:
    """An engine and the sessions on it.

    Args:
        url: SQLAlchemy's address of the database.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _make_engine(url)
        # Made once: making one takes as long as a small query.
        self._engines = {writes: self.engine.execution_options(**{_WRITES: writes}) for writes in (False, True)}
        # Of this database alone, so that whoever follows its transactions follows no other's.
        self.sessions = sessionmaker(expire_on_commit=False)

    @contextmanager
    def session(self, *, writes: bool = True) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back when an error leaves it.

        Who has to wait for an engine commits before the wait, so that nobody else waits for the database.

        On SQLite one that writes takes the write lock at its start. Taking it later fails at once
        when somebody wrote in between, whatever the busy time-out is.
        """
        with self.sessions(bind=self._engines[writes]) as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def check(self) -> None:
        """Raises SQLAlchemy's error if the database does not answer."""
        with self.session(writes=False) as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Closes the pool."""
        self.engine.dispose()


def _make_engine(url: str) -> Engine:
    parsed = make_url(url)
    # An error would otherwise carry a statement's values, hashes of passwords among them, into the log.
    always: dict[str, Any] = {"hide_parameters": True, "pool_size": 10, "max_overflow": 30}
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, **always)
    if parsed.database:
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # it holds the hashes of passwords; its journal takes the same mode
    engine = create_engine(parsed, connect_args=_SQLITE_ARGUMENTS, **always)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction control begins late and commits early; `begin` below takes its place.
    connection.isolation_level = None
    cursor = connection.cursor()
    _write_ahead(cursor)
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "synchronous=NORMAL",
        # Pages are read where the kernel has them, shared by all connections: lists of large sites take a third less.
        f"mmap_size={_MAPPED_BYTES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Has changes written to a log beside the file. Of two that begin a file so at once SQLite lets neither wait."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
