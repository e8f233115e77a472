"""Queries over index versions; at most one per model is published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from catalog.database import Connection, Executor

CHANNEL = "index_versions"
"""PostgreSQL channel that is notified with the model id when another version is published."""


@dataclass(frozen=True, slots=True)
class Version:
    """A built index: what it covers, how it was built and measured, and the prefix of its files in the bucket."""

    version: str
    model: str
    up_to_seq: int
    tracks: int
    parameters: Mapping[str, Any]
    recall_at_10: float
    location: str
    published_at: datetime | None = None


_COLUMNS = "version, model, up_to_seq, tracks, parameters, recall_at_10, location, published_at"

_PUBLISHED = f"SELECT {_COLUMNS} FROM index_versions WHERE model = $1 AND state = 'published'"  # noqa: S608

_RETIRE = "UPDATE index_versions SET state = 'retired' WHERE model = $1 AND state = 'published'"

_PUBLISH = """
INSERT INTO index_versions (version, model, up_to_seq, tracks, parameters, recall_at_10, location, state, published_at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, 'published', now())
"""

_NOTIFY = "SELECT pg_notify($1, $2)"


async def published(db: Executor, model: str) -> Version | None:
    """Return the version that answers for `model`, or None while there is none."""
    row = await db.fetchrow(_PUBLISHED, model)
    if row is None:
        return None
    return Version(**{**row, "parameters": json.loads(row["parameters"])})


async def publish(db: Connection, version: Version) -> None:
    """Flip to `version` in one transaction: the one before it is retired, the listeners are told at the commit."""
    async with db.transaction():
        await db.execute("LOCK TABLE index_versions IN SHARE ROW EXCLUSIVE MODE")
        await db.execute(_RETIRE, version.model)
        await db.execute(
            _PUBLISH,
            version.version,
            version.model,
            version.up_to_seq,
            version.tracks,
            json.dumps(dict(version.parameters)),
            version.recall_at_10,
            version.location,
        )
        await db.execute(_NOTIFY, CHANNEL, version.model)
