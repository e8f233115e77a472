"""Locks by name, each held by one connection at a time; PostgreSQL releases them when the connection ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.database import Connection, Executor

# Any constant; it separates these names from other uses of 64-bit advisory locks.
_SEED = 0x50_1A

_TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, $2))"

_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, $2))"

_SHARE = "SELECT pg_advisory_lock_shared(hashtextextended($1, $2))"

# As the two halves of the key are shown (PostgreSQL's manual, pg_locks).
_IS_SHARED = """
SELECT EXISTS (
    SELECT FROM pg_locks, hashtextextended($1, $2) AS key
    WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295
)
"""

WATCHER = "watcher"
"""The name that every crawler that watches shares."""


async def share(db: Connection, name: str) -> None:
    """Share a name with others for as long as this connection lasts: the sign that a program runs."""
    await db.execute(_SHARE, name, _SEED)


async def is_shared(db: Executor, name: str) -> bool:
    """Tell whether a connection shares this name."""
    return bool(await db.fetchval(_IS_SHARED, name, _SEED))


async def try_lock(db: Connection, name: str) -> bool:
    """Lock a name unless another connection has it; the same connection may lock one twice."""
    return bool(await db.fetchval(_TRY, name, _SEED))


async def unlock(db: Connection, name: str) -> None:
    """Release a name that this connection has locked."""
    await db.execute(_UNLOCK, name, _SEED)
