"""Locks by name, each held by one connection at a time; PostgreSQL releases them when the connection ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.database import Connection

# Any constant; it separates these names from other uses of 64-bit advisory locks.
_SEED = 0x50_1A

_TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, $2))"

_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, $2))"


async def try_lock(db: Connection, name: str) -> bool:
    """Lock a name unless another connection has it; the same connection may lock one twice."""
    return bool(await db.fetchval(_TRY, name, _SEED))


async def unlock(db: Connection, name: str) -> None:
    """Release a name that this connection has locked."""
    await db.execute(_UNLOCK, name, _SEED)
