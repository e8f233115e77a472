"""Migrating the schema of a database to a revision of `db.migrations`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Two services that start together must not both apply a revision.
_MIGRATION_LOCK = 0x50_1A_11_CF


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def revisions() -> list[str]:
    """List the revisions, oldest first."""
    newest_first = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in newest_first][::-1]


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Apply every revision up to `revision`; nothing happens when the database is there already.

    Raises `DatabaseUnavailable` when the connection is lost meanwhile, and what connecting raises.
    """
    await _run(database_url, revision, forward=True)


async def downgrade(database_url: str, revision: str) -> None:
    """Take revisions back down to `revision` ("base" for an empty database)."""
    await _run(database_url, revision, forward=False)


async def revision_of(database_url: str) -> str | None:
    """Return the revision of a database, or None for one without a schema."""
    engine = create_async_engine(_url(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    finally:
        await engine.dispose()


async def _run(database_url: str, revision: str, *, forward: bool) -> None:
    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        (command.upgrade if forward else command.downgrade)(config, revision)

    engine = create_async_engine(_url(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as lock_connection, engine.connect() as connection:
            await lock_connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.run_sync(run)
            await connection.commit()
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(getattr(error.orig, "__cause__", None), CONNECTION_FAILURES):
            raise DatabaseUnavailable(f"the connection to the database was lost: {error.orig}") from error
        raise
    finally:
        await engine.dispose()


def _url(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
