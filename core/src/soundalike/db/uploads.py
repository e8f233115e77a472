"""Recordings that somebody compares with the catalogue once: nothing of them outlives the answer.

The API opens a query and takes its outcome; an extractor hears the recording and says what came of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.db.database import Executor

CHANNEL: Final = "queries"
"""PostgreSQL channel that is notified with the query's id when its outcome is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What `model` heard of a recording: `vector` raw, float32 [D], and `tag_probabilities` [50] where it says tags."""

    model: str
    vector: NDArray[np.float32]
    tag_probabilities: Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the recording can never be heard."""

    reason: str


_OPEN = "INSERT INTO queries (id) VALUES ($1)"

_WAITING = "SELECT EXISTS (SELECT FROM queries WHERE id = $1 AND state = 'waiting')"

_HEARD = """
WITH told AS (
    UPDATE queries SET state = 'heard', model = $2, vector = $3, tag_probabilities = $4
    WHERE id = $1 AND state = 'waiting' RETURNING id
)
SELECT pg_notify($5, id) FROM told
"""

_REFUSED = """
WITH told AS (UPDATE queries SET state = 'rejected', reason = $2 WHERE id = $1 AND state = 'waiting' RETURNING id)
SELECT pg_notify($3, id) FROM told
"""

_TAKE = "DELETE FROM queries WHERE id = $1 AND state <> 'waiting' RETURNING *"

_DROP = "DELETE FROM queries WHERE id = $1"

_SWEEP = "DELETE FROM queries WHERE created_at < now() - make_interval(secs => $1)"


def new_id() -> str:
    """Return the id of a query, which nobody can guess."""
    return secrets.token_hex(16)


async def create(db: Executor, upload: str) -> None:
    """Open a query, before its recording is put into the bucket."""
    await db.execute(_OPEN, upload)


async def is_pending(db: Executor, upload: str) -> bool:
    """Tell whether somebody still waits for what a recording sounds like."""
    return bool(await db.fetchval(_WAITING, upload))


async def complete(db: Executor, upload: str, analysis: Analysis) -> None:
    """Hand a vector to whoever waits for it; nothing is written where nobody does."""
    said = analysis.tag_probabilities
    await db.execute(_HEARD, upload, analysis.model, analysis.vector, None if said is None else list(said), CHANNEL)


async def reject(db: Executor, upload: str, reason: str) -> None:
    """Tell whoever waits why the recording cannot be heard."""
    await db.execute(_REFUSED, upload, reason, CHANNEL)


async def pop_result(db: Executor, upload: str) -> Analysis | Rejection | None:
    """Remove a query and return its outcome; None, and nothing is removed, while there is none."""
    row = await db.fetchrow(_TAKE, upload)
    if row is None:
        return None
    if row["state"] == "rejected":
        return Rejection(row["reason"])
    vector: Any = row["vector"]
    return Analysis(row["model"], np.asarray(vector.to_numpy(), np.float32), row["tag_probabilities"])


async def delete(db: Executor, upload: str) -> None:
    """Remove a query that nobody waits for any longer."""
    await db.execute(_DROP, upload)


async def delete_older_than(db: Executor, *, seconds: float) -> int:
    """Remove the queries that are older than `seconds`, whose API must have died; return how many."""
    return int((await db.execute(_SWEEP, seconds)).removeprefix("DELETE "))
