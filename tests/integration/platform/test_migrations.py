"""Migrations: from nothing to what the models say, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Connection, column, insert, inspect, select, table, update
from sqlalchemy.exc import StatementError

from hops_platform import migrations
from hops_platform.database import Database, new_id
from hops_platform.environments.models import Environment
from hops_platform.migrations import migrate
from hops_platform.migrations.tables import TABLES, all_tables
from hops_platform.projects.models import Membership
from hops_platform.users.models import User


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'control-plane.db'}"
    return str(request.getfixturevalue("new_postgresql_database")("template0"))


def other_default(
    _context: Any, _inspected: Any, of_model: Any, inspected: str | None, _metadata: Any, rendered: str | None
) -> bool | None:
    """Whether a column has another default than its model; PostgreSQL can't compare texts of JSON."""
    if not isinstance(of_model.type, JSON):
        return None
    return (inspected or "").removesuffix("::json") != (rendered or "").removesuffix("::json")


def differences(connection: Connection) -> list[Any]:
    """What of a database is otherwise than in the models."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": other_default, "render_as_batch": True}
    )
    return list(compare_metadata(context, all_tables()))


def test_an_empty_database_becomes_what_the_models_say(empty_database: str) -> None:
    migrate(empty_database)
    database = Database(empty_database)
    try:
        with database.engine.connect() as connection:
            assert differences(connection) == []
            assert set(inspect(connection).get_table_names()) == {
                *(table.__tablename__ for table in TABLES), "alembic_version"
            }  # fmt: skip
    finally:
        database.close()


def test_all_migrations_lead_back_and_forth_and_a_second_time_change_nothing(empty_database: str) -> None:
    migrate(empty_database)
    database = Database(empty_database)
    try:
        with database.engine.connect() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(migrations.__file__).parent))
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
            connection.commit()
            assert inspect(connection).get_table_names() == ["alembic_version"]
        for _ in range(2):
            migrate(empty_database)
            with database.engine.connect() as connection:
                assert differences(connection) == []
    finally:
        database.close()


def test_memberships_from_before_they_had_versions_begin_with_the_first(empty_database: str) -> None:
    migrate(empty_database, "0001")
    database = Database(empty_database)
    project, user, moment = new_id(), new_id(), datetime(2026, 5, 4, tzinfo=UTC)
    # By name and not from the models, which already have the version.
    rows: list[tuple[str, dict[str, Any]]] = [
        ("projects", {"id": project, "name": "weather", "title": "", "description": "", "version": 1}),
        (
            "users",
            {"id": user, "name": "ada", "title": "", "password_hash": "", "active": True, "admin": False}
            | {"must_change_password": False, "tokens_valid_from": moment},
        ),
        ("memberships", {"project_id": project, "user_id": user, "role": "data_owner"}),
        ("environments", {"project_id": project, "state": "failed", "error": "no network"}),
    ]
    try:
        with database.engine.begin() as connection:
            for name, values in rows:
                values |= {"updated_at" if name == "environments" else "created_at": moment}
                types = {key: all_tables().tables[name].columns[key].type for key in values}
                columns = [column(key, types[key]) for key in values]
                connection.execute(insert(table(name, *columns)).values(values))
    finally:
        database.close()
    migrate(empty_database)
    database = Database(empty_database)
    try:
        with database.session() as session:
            assert session.scalars(select(Membership.version)).all() == [1]
            # Its table was made anew on the way.
            assert session.execute(select(Environment.state_name, Environment.error)).all() == [
                ("failed", "no network")
            ]
    finally:
        database.close()


def test_every_table_of_the_models_is_known_to_the_migrations() -> None:
    assert {table.__tablename__ for table in TABLES} == set(all_tables().tables)


def test_later_keys_are_larger() -> None:
    keys = [new_id() for _ in range(5000)]
    assert keys == sorted(keys)


def test_a_moment_without_a_zone_is_refused(hops: Any) -> None:
    with hops.platform.parts.database.session() as session:
        with pytest.raises(StatementError, match="without a time zone"):
            session.execute(update(User).values(created_at=datetime(2026, 5, 4)))  # noqa: DTZ001
        session.rollback()
