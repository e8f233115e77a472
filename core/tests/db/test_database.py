from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from soundalike.db import database
from soundalike.db.database import RetryingPool, in_transaction
from soundalike.errors import DatabaseUnavailable
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.db.database import Connection, Pool


async def no_sleep(_: float) -> None:
    pass


RETRY = RetryPolicy(attempts=3, sleep=no_sleep)


class UnsteadyPool:
    """A pool that fails so often before it answers."""

    def __init__(self, pool: Any, failures: int, error: Exception) -> None:
        self._pool = pool
        self.failures = failures
        self.error = error

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error

    async def fetchval(self, *arguments: Any, **options: Any) -> Any:
        self._fail()
        return await self._pool.fetchval(*arguments, **options)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire() as connection:
            yield connection
            self._fail()


CLOSED = asyncpg.ConnectionDoesNotExistError("connection was closed")


def unsteady(pool: Pool, failures: int, error: Exception = CLOSED) -> RetryingPool:
    return RetryingPool(UnsteadyPool(pool, failures, error), RETRY)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [CLOSED, asyncpg.InternalClientError("another operation (2) is in progress")])
async def test_a_statement_is_retried(pool: Pool, error: Exception) -> None:
    assert await unsteady(pool, 2, error).fetchval("SELECT $1::integer", 7) == 7


async def test_a_database_that_stays_away_has_an_error_of_its_own(pool: Pool) -> None:
    with pytest.raises(DatabaseUnavailable, match="connection was closed"):
        await unsteady(pool, 3).fetchval("SELECT 1")


async def test_other_errors_are_raised_at_once(pool: Pool) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await unsteady(pool, 0).fetchval("SELECT count(*) FROM nowhere")


async def test_a_transaction_is_retried_as_a_whole(pool: Pool) -> None:
    attempts = 0

    async def work(connection: Connection) -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            await connection.execute("CREATE TABLE half_done (x integer)")
            raise asyncpg.SerializationError("conflict")
        return str(await connection.fetchval("SELECT to_regclass('half_done')"))

    assert await in_transaction(unsteady(pool, 0), work) == "None"
    assert attempts == 3


async def test_without_a_policy_the_first_failure_is_raised_as_it_is(pool: Pool) -> None:
    async def work(_: Connection) -> None:
        raise asyncpg.SerializationError("conflict")

    with pytest.raises(asyncpg.SerializationError):
        await in_transaction(pool, work)


async def test_every_kind_of_statement_answers(database_url: str) -> None:
    async with database.connect(database_url, retry=RETRY) as pool:
        assert isinstance(pool, RetryingPool)
        assert await pool.execute("SELECT 1") == "SELECT 1"
        assert [row["n"] for row in await pool.fetch("SELECT generate_series(1, 2) AS n")] == [1, 2]
        row = await pool.fetchrow("SELECT 3 AS n")
        assert row is not None
        assert row["n"] == 3
        assert await pool.fetchval("SELECT 4") == 4


async def test_a_database_that_cannot_be_opened_is_tried_again() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(DatabaseUnavailable):
        async with database.connect("postgresql://127.0.0.1:1/none", retry=RetryPolicy(attempts=3, sleep=sleep)):
            pass
    assert len(waits) == 2
