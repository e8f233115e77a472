"""What was lost outside the database and was noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class Loss:
    """What was missing: a `kind`, a name, and how many there were; `noticed_at` is set when it is read."""

    kind: str
    name: str
    count: int = 1
    noticed_at: datetime | None = None


# Many that are noticed one by one are one loss.
_RECORD = """
WITH old AS (DELETE FROM losses WHERE noticed_at < now() - interval '30 days'), more AS (
    UPDATE losses SET count = count + $3
    WHERE kind = $1 AND name = $2 AND noticed_at > now() - interval '1 minute'
    RETURNING kind
)
INSERT INTO losses (kind, name, count) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM more)
"""

_RECENT = "SELECT kind, name, count, noticed_at FROM losses WHERE noticed_at > now() - $1::interval ORDER BY noticed_at"


async def record(db: Executor, loss: Loss) -> None:
    """Record a loss that was noticed now, as one with the same of the last minute.

    Those of more than thirty days ago are deleted.
    """
    await db.execute(_RECORD, loss.kind, loss.name, loss.count)


async def recent(db: Executor, age: timedelta) -> list[Loss]:
    """Return what was lost in the last while, oldest first."""
    return [Loss(**row) for row in await db.fetch(_RECENT, age)]
