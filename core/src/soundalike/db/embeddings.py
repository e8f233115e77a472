"""Embeddings: the vectors that models extract from tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.db.pg_copy import BinaryRows
from soundalike.domain.tags import TAG_NAMES
from soundalike.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from soundalike.db.database import Connection, Executor
    from soundalike.domain.track_id import TrackId

CHANNEL = "embeddings"
"""PostgreSQL channel notified with the model id at every commit of an embedding."""

# Any constant; it only has to differ from the other advisory locks of the catalogue.
_SEQ_LOCK = 0x50_1A_11_CE


@dataclass(frozen=True, slots=True)
class Embedding:
    """One vector (float32 [dimensions]) and its origin: object, checksum and `analysed_s` seconds of audio.

    `tag_probabilities` float32 [50] are in the order of `domain.tags`, None where the model has no tags.
    """

    track: TrackId
    model: str
    vector: NDArray[np.float32]
    object_key: str
    sequencer: str | None
    audio_sha256: str
    analysed_s: float
    tag_probabilities: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class StoredVector:
    """One vector (float32 [dimensions]) with the sequence number of its write."""

    seq: int
    urn: str
    vector: NDArray[np.float32]


# Sequencers are comparable for one key only: pad the shorter on the right with zeros, compare as text (AWS S3
# user guide, "Event message structure").
_SAVE = """
INSERT INTO embeddings (urn, model, vector, object_key, sequencer, audio_sha256, seconds_heard, tag_probabilities)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (urn, model) DO UPDATE SET
    vector = EXCLUDED.vector, seq = nextval('embeddings_seq'), object_key = EXCLUDED.object_key,
    sequencer = EXCLUDED.sequencer, audio_sha256 = EXCLUDED.audio_sha256, seconds_heard = EXCLUDED.seconds_heard,
    tag_probabilities = EXCLUDED.tag_probabilities, extracted_at = now()
WHERE embeddings.sequencer IS NULL OR EXCLUDED.sequencer IS NULL OR embeddings.object_key <> EXCLUDED.object_key
   OR rpad(lower(EXCLUDED.sequencer), 64, '0') COLLATE "C" > rpad(lower(embeddings.sequencer), 64, '0') COLLATE "C"
RETURNING seq
"""

_LOCK = "SELECT pg_advisory_xact_lock($1)"

_NOT_YET_FORGOTTEN = "SELECT state <> 'forgotten' FROM tracks WHERE urn = $1 FOR UPDATE"

_READY = """
UPDATE tracks SET state = 'ready', reason = NULL, updated_at = now()
WHERE urn = $1 AND state NOT IN ('ready', 'forgotten', 'gone')
    AND EXISTS (SELECT FROM models WHERE model = $2 AND current)
"""

_NOTIFY = "SELECT pg_notify($1, $2)"

_NOTIFY_OF_CURRENT = "SELECT pg_notify($1, model) FROM models WHERE current"

_RENEW = "UPDATE embeddings SET seq = nextval('embeddings_seq') WHERE urn = ANY($1)"

_EXISTS = "SELECT EXISTS (SELECT FROM embeddings WHERE urn = $1 AND model = $2)"

_VECTORS = "SELECT urn, vector FROM embeddings WHERE urn = ANY($1) AND model = $2"

_NEWER = "SELECT seq, urn, vector FROM embeddings WHERE model = $1 AND seq > $2 ORDER BY seq LIMIT $3"

_NEWEST = """
SELECT e.urn FROM embeddings e JOIN tracks t USING (urn) WHERE e.model = $1 AND t.state = 'ready'
ORDER BY e.seq DESC LIMIT $2
"""

_IN_ANSWERS = "urn NOT IN (SELECT urn FROM tracks WHERE state IN ('forgotten', 'gone'))"

# Padded, so that every row has the same number of bytes and thousands of them are read as one array.
_COPY = f"""
SELECT rpad(urn, $3), vector FROM embeddings WHERE model = $1 AND seq <= $2 AND {_IN_ANSWERS}
"""  # noqa: S608 - a constant of this module

_EXTENT = f"""
SELECT count(*) FILTER (WHERE {_IN_ANSWERS}) AS n, coalesce(max(seq), 0) AS seq,
       coalesce(max(octet_length(urn)), 0) AS width
FROM embeddings WHERE model = $1
"""  # noqa: S608 - a constant of this module

_ABSENT_SINCE = """
SELECT urn, updated_at FROM tracks WHERE state IN ('forgotten', 'gone') AND updated_at >= $1 ORDER BY updated_at
"""

_ABSENT_AMONG = "SELECT urn FROM tracks WHERE urn = ANY($1) AND state IN ('forgotten', 'gone')"

_OLDEST_FORGOTTEN = """
SELECT extract(epoch FROM now() - min(updated_at))::float8 FROM tracks WHERE state = 'forgotten' AND updated_at > $1
"""

_TAIL = """
SELECT count(*) AS n, extract(epoch FROM now() - min(extracted_at))::float8 AS age
FROM embeddings WHERE model = $1 AND seq > $2
"""


@dataclass(frozen=True, slots=True)
class Extent:
    """The number of vectors, the seq of the newest (0 when there is none), and the bytes of the longest URN."""

    count: int
    last_seq: int
    urn_bytes: int


@dataclass(frozen=True, slots=True)
class TailSize:
    """The vectors newer than a version: how many, and the age of the oldest in seconds (None when there is none)."""

    count: int
    oldest_s: float | None


async def save(db: Connection, embedding: Embedding) -> bool:
    """Store a vector, mark its track ready and notify the channel, in one transaction.

    Returns False, and changes nothing, when a newer write of the same object is stored already or the track is
    forgotten. Raises `PermanentError` for a vector that is not finite and for invalid tag probabilities.
    """
    if embedding.vector.ndim != 1 or not np.isfinite(embedding.vector).all():
        raise PermanentError("the vector is not a finite one-dimensional array")
    tags = embedding.tag_probabilities
    if tags is not None and (tags.shape != (len(TAG_NAMES),) or not ((tags >= 0) & (tags <= 1)).all()):
        raise PermanentError(f"the tag probabilities are not {len(TAG_NAMES)} numbers between 0 and 1")
    async with db.transaction():
        if not await db.fetchval(_NOT_YET_FORGOTTEN, embedding.track.urn):
            return False
        await lock_sequence(db)
        seq = await db.fetchval(
            _SAVE,
            embedding.track.urn,
            embedding.model,
            embedding.vector.astype(np.float32, copy=False),
            embedding.object_key,
            embedding.sequencer,
            embedding.audio_sha256,
            embedding.analysed_s,
            None if tags is None else tags.tolist(),
        )
        if seq is None:
            return False
        await db.execute(_READY, embedding.track.urn, embedding.model)
        await db.execute(_NOTIFY, CHANNEL, embedding.model)
        return True


async def exists(db: Executor, track: TrackId, model: str) -> bool:
    """Tell whether a track has an embedding of `model`."""
    return bool(await db.fetchval(_EXISTS, track.urn, model))


async def vectors_of(db: Executor, urns: Sequence[str], model: str) -> dict[str, NDArray[np.float32]]:
    """Return the raw vectors (float32 [dimensions]) of those among the tracks that `model` has one of, by URN."""
    return {row["urn"]: _array(row["vector"]) for row in await db.fetch(_VECTORS, list(urns), model)}


async def newer_than(db: Executor, model: str, seq: int, *, limit: int = 10_000) -> list[StoredVector]:
    """Return up to `limit` vectors written after `seq`, oldest first."""
    return [StoredVector(r["seq"], r["urn"], _array(r["vector"])) for r in await db.fetch(_NEWER, model, seq, limit)]


async def newest(db: Executor, model: str, *, limit: int) -> list[str]:
    """List the URNs of the tracks that were analysed last, newest first."""
    return [row["urn"] for row in await db.fetch(_NEWEST, model, limit)]


async def extent(db: Executor, model: str) -> Extent:
    """Measure what there is to index: the vectors of a model without those of tracks that are forgotten or gone."""
    row = await db.fetchrow(_EXTENT, model)
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return Extent(count=int(row["n"]), last_seq=int(row["seq"]), urn_bytes=int(row["width"]))


async def tail_size(db: Executor, model: str, seq: int) -> TailSize:
    """Measure the vectors written after `seq`."""
    row = await db.fetchrow(_TAIL, model, seq)
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return TailSize(count=int(row["n"]), oldest_s=row["age"])


async def oldest_forgotten_s(db: Executor, since: datetime) -> float | None:
    """Return for how many seconds the first track forgotten after `since` has been so; None where there is none."""
    seconds: float | None = await db.fetchval(_OLDEST_FORGOTTEN, since)
    return seconds


async def copy_vectors(
    db: Connection,
    model: str,
    extent: Extent,
    dimensions: int,
    consume: Callable[[NDArray[np.bytes_], NDArray[np.float32]], None],
) -> None:
    """Hand every vector of an extent to `consume`, thousands at a time: URNs [n], padded, and float32 [n, dimensions].

    One binary COPY, in no particular order; the caller holds the transaction open in which `extent` was measured.
    Raises `PermanentError` for a vector of another length.
    """
    rows = BinaryRows(extent.urn_bytes, dimensions, consume)
    await db.copy_from_query(_COPY, model, extent.last_seq, extent.urn_bytes, output=rows.feed, format="binary")
    rows.close()


async def absent_since(db: Executor, moment: datetime) -> list[tuple[str, datetime]]:
    """Return the URNs of the tracks that are forgotten or gone since `moment` or later, and when, oldest first."""
    return [(row["urn"], row["updated_at"]) for row in await db.fetch(_ABSENT_SINCE, moment)]


async def absent_among(db: Executor, urns: Collection[str]) -> set[str]:
    """Return the tracks among `urns` that are forgotten or gone."""
    return {row["urn"] for row in await db.fetch(_ABSENT_AMONG, list(urns))}


async def renew(db: Connection, urns: Sequence[str]) -> None:
    """Make the embeddings of tracks newer than all others, so that every reader sees them again, and notify it.

    The caller holds the transaction open in which the tracks come back.
    """
    await lock_sequence(db)
    await db.execute(_RENEW, list(urns))
    await notify(db)


async def notify(db: Executor) -> None:
    """Notify the readers of the current model that something has changed."""
    await db.execute(_NOTIFY_OF_CURRENT, CHANNEL)


async def lock_sequence(db: Connection) -> None:
    """Lock the numbers of embeddings against other writers until the end of the transaction."""
    # A reader asks for `seq > last seen`. Numbers drawn in one order and committed in another would be skipped by it
    # for ever, so drawing and committing happen under one lock.
    await db.execute(_LOCK, _SEQ_LOCK)


def _array(value: Any) -> NDArray[np.float32]:
    array = value.to_numpy() if hasattr(value, "to_numpy") else value
    return np.asarray(array, dtype=np.float32)
