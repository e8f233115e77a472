"""Recordings uploaded to be compared with the catalogue once; nothing of them is kept. The table is called queries.

The API creates an upload and takes its result; an extractor analyses the recording and stores the result.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.db.database import Executor

CHANNEL: Final = "queries"
"""PostgreSQL channel notified with the id of an upload when its result is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The result of `model`: the raw `vector` float32 [D], and `tag_probabilities` [50] of a model with tags."""

    model: str
    vector: NDArray[np.float32]
    tag_probabilities: Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the recording cannot be analysed."""

    reason: str


_CREATE = "INSERT INTO queries (id) VALUES ($1)"

_IS_PENDING = "SELECT EXISTS (SELECT FROM queries WHERE id = $1 AND state = 'waiting')"

_COMPLETE = """
WITH updated AS (
    UPDATE queries SET state = 'heard', model = $2, vector = $3, tag_probabilities = $4
    WHERE id = $1 AND state = 'waiting' RETURNING id
)
SELECT pg_notify($5, id) FROM updated
"""

_REJECT = """
WITH updated AS (UPDATE queries SET state = 'rejected', reason = $2 WHERE id = $1 AND state = 'waiting' RETURNING id)
SELECT pg_notify($3, id) FROM updated
"""

_POP = "DELETE FROM queries WHERE id = $1 AND state <> 'waiting' RETURNING *"

_DELETE = "DELETE FROM queries WHERE id = $1"

_DELETE_OLD = "DELETE FROM queries WHERE created_at < now() - make_interval(secs => $1)"


def new_id() -> str:
    """Return a new id that nobody can guess."""
    return secrets.token_hex(16)


async def create(db: Executor, upload: str) -> None:
    """Create an upload, before its recording is put into the bucket."""
    await db.execute(_CREATE, upload)


async def is_pending(db: Executor, upload: str) -> bool:
    """Tell whether an upload still waits for its result."""
    return bool(await db.fetchval(_IS_PENDING, upload))


async def complete(db: Executor, upload: str, analysis: Analysis) -> None:
    """Store the result of an upload and notify the API; nothing is written where nobody waits for it."""
    probabilities = analysis.tag_probabilities
    await db.execute(
        _COMPLETE,
        upload,
        analysis.model,
        analysis.vector,
        None if probabilities is None else list(probabilities),
        CHANNEL,
    )


async def reject(db: Executor, upload: str, reason: str) -> None:
    """Store why an upload cannot be analysed and notify the API."""
    await db.execute(_REJECT, upload, clean(reason), CHANNEL)


async def pop_result(db: Executor, upload: str) -> Analysis | Rejection | None:
    """Delete an upload and return its result; None, and nothing is deleted, while there is none."""
    row = await db.fetchrow(_POP, upload)
    if row is None:
        return None
    if row["state"] == "rejected":
        return Rejection(row["reason"])
    vector: Any = row["vector"]
    return Analysis(row["model"], np.asarray(vector.to_numpy(), np.float32), row["tag_probabilities"])


async def delete(db: Executor, upload: str) -> None:
    """Delete an upload whose result nobody waits for any longer."""
    await db.execute(_DELETE, upload)


async def delete_older_than(db: Executor, *, seconds: float) -> int:
    """Delete the uploads older than `seconds`, whose API has died; return how many."""
    return int((await db.execute(_DELETE_OLD, seconds)).removeprefix("DELETE "))
