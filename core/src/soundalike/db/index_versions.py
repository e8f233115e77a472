"""Index versions; at most one per model is published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from soundalike.db.database import Connection, Executor

CHANNEL = "index_versions"
"""PostgreSQL channel notified with the model id when another version is published."""


class VersionState(StrEnum):
    """The state of a version: not yet published, in use, used before, or without files."""

    BUILT = "built"
    PUBLISHED = "published"
    RETIRED = "retired"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class IndexVersionRecord:
    """An index as built: its contents, parameters and measured recall, and the prefix of its files in the bucket.

    `manifest_sha256` (hex) is that of its manifest, which has those of all its files; None for a version that was built
    before digests were recorded, until `provisioning.digests` records it. A `pinned` version was chosen by a person; no
    automatic build replaces it.
    """

    version: str
    model: str
    up_to_seq: int
    tracks: int
    parameters: Mapping[str, Any]
    recall_at_10: float
    location: str
    manifest_sha256: str | None = None
    published_at: datetime | None = None
    state: VersionState = VersionState.BUILT
    pinned: bool = False
    created_at: datetime | None = None


_COLUMNS = """version, model, up_to_seq, tracks, parameters, recall_at_10, location, manifest_sha256, published_at,
state, held AS pinned, created_at"""

_PUBLISHED = f"SELECT {_COLUMNS} FROM index_versions WHERE model = $1 AND state = 'published'"  # noqa: S608

_LIST = f"SELECT {_COLUMNS} FROM index_versions WHERE model = $1 ORDER BY version DESC"  # noqa: S608

_RETIRE = """
UPDATE index_versions SET state = 'retired', held = false WHERE model = $1 AND state = 'published' AND version <> $2
"""

_ADD = """
INSERT INTO index_versions (version, model, up_to_seq, tracks, parameters, recall_at_10, location, manifest_sha256,
    state)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, 'built')
ON CONFLICT (version) DO NOTHING
"""

_IS_DELETED = "SELECT state = 'deleted' FROM index_versions WHERE version = $1"

_PUBLISH = "UPDATE index_versions SET state = 'published', published_at = now(), held = $2 WHERE version = $1"

_DELETED = """
UPDATE index_versions SET state = 'deleted' WHERE model = $1 AND version = ANY($2) AND state <> 'published'
"""

_WITHOUT_DIGEST = """
SELECT version, location FROM index_versions WHERE manifest_sha256 IS NULL AND state <> 'deleted' ORDER BY version
"""

_SET_DIGEST = "UPDATE index_versions SET manifest_sha256 = $2 WHERE version = $1 AND manifest_sha256 IS NULL"

_NOTIFY = "SELECT pg_notify($1, $2)"


async def get_published(db: Executor, model: str) -> IndexVersionRecord | None:
    """Return the published version of `model`, or None while there is none."""
    row = await db.fetchrow(_PUBLISHED, model)
    return _version(row) if row else None


async def list_versions(db: Executor, model: str) -> list[IndexVersionRecord]:
    """Return every version that was ever built for `model`, newest first."""
    return [_version(row) for row in await db.fetch(_LIST, model)]


async def add(db: Executor, version: IndexVersionRecord) -> None:
    """Record a version whose files are in the bucket, without publishing it."""
    await db.execute(
        _ADD,
        version.version,
        version.model,
        version.up_to_seq,
        version.tracks,
        json.dumps(dict(version.parameters)),
        version.recall_at_10,
        version.location,
        version.manifest_sha256,
    )


async def publish(db: Connection, version: IndexVersionRecord, *, pinned: bool = False) -> bool:
    """Publish `version` in one transaction: the one before it is retired, the channel is notified at the commit.

    Returns False, and changes nothing, where the files of the version were deleted meanwhile. No automatic build
    replaces a `pinned` version.
    """
    async with db.transaction():
        await db.execute("LOCK TABLE index_versions IN SHARE ROW EXCLUSIVE MODE")
        await add(db, version)
        if await db.fetchval(_IS_DELETED, version.version):
            return False
        await db.execute(_RETIRE, version.model, version.version)
        await db.execute(_PUBLISH, version.version, pinned)
        await db.execute(_NOTIFY, CHANNEL, version.model)
        return True


async def mark_deleted(db: Executor, model: str, names: Sequence[str]) -> None:
    """Mark versions whose files are about to be deleted; they cannot be published any more."""
    await db.execute(_DELETED, model, list(names))


async def without_digest(db: Executor) -> dict[str, str]:
    """Return the locations of the versions, by name, whose manifest has no recorded digest."""
    return {row["version"]: row["location"] for row in await db.fetch(_WITHOUT_DIGEST)}


async def set_digest(db: Executor, version: str, manifest_sha256: str) -> None:
    """Record the digest of a version that has none; one that is recorded never changes."""
    await db.execute(_SET_DIGEST, version, manifest_sha256)


def _version(row: asyncpg.Record) -> IndexVersionRecord:
    return IndexVersionRecord(
        **{**row, "parameters": json.loads(row["parameters"]), "state": VersionState(row["state"])}
    )
