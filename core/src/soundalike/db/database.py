"""Connections to PostgreSQL, and trying again while it is away."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
from pgvector.asyncpg import register_vector

from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

    from soundalike.retry import RetryPolicy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

T = TypeVar("T")

CONNECTION_FAILURES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A connection that was lost in the middle of a statement may say so of the next one.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    DatabaseUnavailable,
)
"""What a statement raises when the database is away, restarting or busy: it may be tried again."""


@dataclass(frozen=True, slots=True)
class RetryingPool:
    """A pool whose single statements are tried again while the database is away.

    They raise `DatabaseUnavailable` when no try helped. What is done on an acquired connection is not tried again, as
    it may be the middle of a transaction: use `in_transaction`.
    """

    pool: asyncpg.Pool[asyncpg.Record]
    retry: RetryPolicy

    async def execute(self, query: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's
        """Run a statement, each try within `timeout` seconds; returns its status."""
        return await retried(self, partial(self.pool.execute, query, *arguments, timeout=timeout))

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return the rows of a statement."""
        return await retried(self, partial(self.pool.fetch, query, *arguments))

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """Return the first row of a statement, or None."""
        return await retried(self, partial(self.pool.fetchrow, query, *arguments))

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """Return the first value of a statement's first row, or None."""
        return await retried(self, partial(self.pool.fetchval, query, *arguments))

    def acquire(self) -> PoolAcquireContext[asyncpg.Record]:
        """Lend a connection of the pool."""
        return self.pool.acquire()


if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record] | RetryingPool
    Executor: TypeAlias = Connection | Pool


async def retried(pool: Pool, work: Callable[[], Awaitable[T]]) -> T:
    """Return what `work` returns, done again by the rule of the pool where that is a `RetryingPool`."""
    return await _retried(pool.retry, work) if isinstance(pool, RetryingPool) else await work()


async def in_transaction(pool: Pool, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do some work on one connection in one transaction, all of it again by the rule of the pool (see `retried`)."""

    async def attempt() -> T:
        async with pool.acquire() as connection, connection.transaction():
            return await work(connection)

    return await retried(pool, attempt)


async def _retried(retry: RetryPolicy, work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await retry.run(work, CONNECTION_FAILURES)
    except CONNECTION_FAILURES as error:
        raise DatabaseUnavailable(str(error) or type(error).__name__) from error


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await register_vector(connection)


@asynccontextmanager
async def connect(
    url: str,
    *,
    size: int = 4,
    stateless: bool = False,
    statement_timeout_s: float | None = None,
    retry: RetryPolicy | None = None,
) -> AsyncIterator[Pool]:
    """Open a pool of at most `size` connections that speak pgvector's `vector`, and close it at the end.

    `stateless` promises that nobody sets anything on a connection or leaves a transaction open on it; then none is
    cleaned after use, which would be a statement to the database after every statement. PostgreSQL itself ends a
    statement after `statement_timeout_s`. With `retry` the pool is opened and asked by that rule (see `RetryingPool`);
    without it the first failure is raised as it is.
    """

    async def prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
        if statement_timeout_s is not None:
            # Not among the parameters that a connection begins with: poolers refuse those that they do not know.
            await connection.execute(f"SET statement_timeout = {round(1000 * statement_timeout_s)}")
        await _prepare(connection)

    def open_pool() -> asyncpg.Pool[asyncpg.Record]:
        return asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=prepare,
            reset=_leave if stateless else None,
            command_timeout=60,
            timeout=10,
        )

    async with AsyncExitStack() as stack:
        if retry is None:
            yield await stack.enter_async_context(open_pool())
        else:
            pool = await _retried(retry, lambda: stack.enter_async_context(open_pool()))
            yield RetryingPool(pool, retry)


async def ping(db: Executor) -> None:
    """Ask the database for a sign of life; raises what asyncpg raises where there is none (`CONNECTION_FAILURES`)."""
    await db.execute("SELECT 1")


async def _leave(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Give a connection back as it is."""
