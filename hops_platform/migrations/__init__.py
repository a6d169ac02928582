"""Alembic's migrations, run by ``python -m hops_platform init``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from hops_platform.database import Database


def migrate(url: str, revision: str = "head") -> None:
    """Brings the database at ``url`` to ``revision``."""
    database = Database(url)
    try:
        # Alembic brings its own transactions; the connection is ours, so that both speak to the same database.
        with database.engine.connect() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
    finally:
        database.close()
