"""Connections to PostgreSQL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from pgvector.asyncpg import register_vector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg.pool import PoolConnectionProxy

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Executor: TypeAlias = Connection | Pool

CONNECTION_FAILURES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
"""What asyncpg raises when the database is away, restarting or busy: the statement may be tried again."""


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await register_vector(connection)


@asynccontextmanager
async def connect(url: str, *, size: int = 4, stateless: bool = False) -> AsyncIterator[Pool]:
    """Open a pool of at most `size` connections that speak pgvector's `vector`, and close it at the end.

    `stateless` promises that nobody sets anything on a connection or leaves a transaction open on it; then none is
    cleaned after use, which would be a question to the database after every question.
    """
    async with asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=_prepare,
        reset=_leave if stateless else None,
        command_timeout=60,
        timeout=10,
    ) as pool:
        yield pool


async def _leave(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Give a connection back as it is."""
