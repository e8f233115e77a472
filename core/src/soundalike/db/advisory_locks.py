"""Names that one connection holds at a time; PostgreSQL frees them when the connection ends, however that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.database import Connection

# Any constant; it keeps these names apart from other uses of 64-bit advisory locks.
_SEED = 0x50_1A

_TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, $2))"

_FREE = "SELECT pg_advisory_unlock(hashtextextended($1, $2))"


async def try_lock(db: Connection, name: str) -> bool:
    """Hold a name unless another connection does; the same connection may hold one twice."""
    return bool(await db.fetchval(_TRY, name, _SEED))


async def unlock(db: Connection, name: str) -> None:
    """Free a name that this connection holds."""
    await db.execute(_FREE, name, _SEED)
