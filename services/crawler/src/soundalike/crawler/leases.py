"""What a crawler works on is its own until it is done or dead, however many crawlers run side by side."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol, Self

from soundalike.db import advisory_locks
from soundalike.db.database import CONNECTION_FAILURES, retried

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from soundalike.db.database import Connection, Pool

log = logging.getLogger(__name__)


class Leases(Protocol):
    """Hands out names, each to one worker at a time."""

    def acquire(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Hold a name inside the context; the context's value tells whether it could be had."""


class LocalLeases:
    """Claims among the workers of one process."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        """Hold a name inside the context (see `Leases`)."""
        if name in self._names:
            yield False
            return
        self._names.add(name)
        try:
            yield True
        finally:
            self._names.discard(name)


class SharedLeases:
    """Claims among all crawlers of a catalogue; use it as a context manager.

    They are bound to one connection, so those of a crawler that dies are free at once. Raises what the pool's
    statements raise.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._local = LocalLeases()
        self._mutex = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._release_connection()

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        """Hold a name inside the context (see `Leases`)."""
        # To PostgreSQL all workers of this process are one.
        async with self._local.acquire(name) as mine:
            if not mine or not await retried(self._pool, lambda: self._lock(name)):
                yield False
                return
            try:
                yield True
            finally:
                await asyncio.shield(self._unlock(name))

    async def _lock(self, name: str) -> bool:
        async with self._mutex:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._release_connection()
                    self._connection = await self._stack.enter_async_context(self._pool.acquire())
                return await advisory_locks.try_lock(self._connection, name)
            except CONNECTION_FAILURES:
                await self._release_connection()
                raise

    async def _unlock(self, name: str) -> None:
        async with self._mutex:
            if self._connection is None:
                return
            try:
                await advisory_locks.unlock(self._connection, name)
            except CONNECTION_FAILURES:
                # With the connection go its locks.
                await self._release_connection()

    async def _release_connection(self) -> None:
        self._connection = None
        with suppress(*CONNECTION_FAILURES):
            await self._stack.aclose()
