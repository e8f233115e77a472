"""Tracks; every track is in exactly one state, so the counts always add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from soundalike.db import aliases
from soundalike.db.search_names import FOLDING_VERSION, SearchNames
from soundalike.domain.file_identity import IDENTITY_VERSION
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.text import clean, clean_or_none
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from soundalike.db.aliases import Alias
    from soundalike.db.database import Executor


class State(StrEnum):
    """The state of a track on its way to being recommendable."""

    PENDING = "pending"
    QUEUED = "queued"
    READY = "ready"
    NO_PREVIEW = "no_preview"
    REJECTED = "rejected"
    FORGOTTEN = "forgotten"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Track:
    """The facts about a track; durations in milliseconds.

    `artist_credit` is what names the artists where that leaves doubt (`db.artist_credits`), None where `artists` is
    exact. `aliases` are ids from tags, `fronts` digests of the first bytes of a file's coded audio
    (`audio.coded_audio.payload`); both are written, and not read with the rest.
    """

    id: TrackId
    title: str
    artists: tuple[str, ...] = ()
    artist_urns: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    link: str | None = None
    tags: tuple[str, ...] = ()
    artist_credit: tuple[str, ...] | None = None
    aliases: tuple[Alias, ...] | None = field(default=None, compare=False)
    fronts: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """A track of the catalogue with its state and, where there is one, the reason for it."""

    track: Track
    state: State
    reason: str | None = None
    preview_provider: str | None = None
    match_method: str | None = None
    preview_provider_id: str | None = None
    match_score: float | None = None


@dataclass(frozen=True, slots=True)
class TrackStatus:
    """What a crawl needs to know about a track before it fetches anything; `has_embedding` of the current model.

    `preview_searched_at` is when the `providers` answered that they have no preview.
    """

    state: State
    has_embedding: bool
    reason: str | None = None
    preview_searched_at: datetime | None = None
    providers: frozenset[str] = frozenset()


COLUMNS = """urn, title, artists, artist_urns, album, duration_ms, isrc, link, tags, state, reason,
preview_provider, match_method, preview_provider_id, match_score, artist_credit"""

# A forgotten track stays forgotten, and so do the tracks of a blocked artist and every release of a recording with a
# blocked ISRC (see `domain.isrc.isrc_urn`). What was decided of a credit stays until the credit is another; then names
# are folded by `db.search_names`, which knows them all.
_UPSERT = f"""
WITH written AS (
    INSERT INTO tracks (urn, source, title, artists, artist_urns, album, duration_ms, isrc, link, tags,
        artist_credit, identity_version, fronts)
    SELECT $1, $2, $3, $4::text[], $5::text[], $6, $7::integer, $8, $9, $10::text[],
        $16::text[], CASE $2 WHEN 'file' THEN {IDENTITY_VERSION} END, $17::bigint[]
    WHERE NOT EXISTS (SELECT FROM blocks WHERE urn = ANY(array_append($5::text[], 'isrc:' || $8::text)))
    ON CONFLICT (urn) DO UPDATE SET
        title = EXCLUDED.title, artist_credit = EXCLUDED.artist_credit,
        artists = CASE WHEN EXCLUDED.artist_credit = tracks.artist_credit THEN tracks.artists ELSE EXCLUDED.artists END,
        artist_urns = EXCLUDED.artist_urns, album = EXCLUDED.album,
        duration_ms = EXCLUDED.duration_ms, isrc = coalesce(EXCLUDED.isrc, tracks.isrc), link = EXCLUDED.link,
        tags = EXCLUDED.tags, identity_version = EXCLUDED.identity_version, updated_at = now(),
        fronts = CASE EXCLUDED.fronts WHEN '{{}}' THEN tracks.fronts ELSE EXCLUDED.fronts END
    WHERE tracks.state <> 'forgotten'
    RETURNING urn, artists, names_digest(title, artists, album) AS folded_from
), new_words AS (
    INSERT INTO search_words (word) SELECT unnest($15::text[]) ON CONFLICT DO NOTHING
), names AS (
    INSERT INTO track_names AS n (urn, folded_from, title, credit, album, words, folding)
    SELECT urn, folded_from, $11, $12, $13, array_to_tsvector($14::text[]), {FOLDING_VERSION} FROM written
    WHERE artists = $4
    ON CONFLICT (urn) DO UPDATE SET
        folded_from = EXCLUDED.folded_from, title = EXCLUDED.title, credit = EXCLUDED.credit, album = EXCLUDED.album,
        words = EXCLUDED.words, folding = EXCLUDED.folding
    WHERE n.words IS NULL OR n.folded_from IS DISTINCT FROM EXCLUDED.folded_from OR n.folding < EXCLUDED.folding
)
SELECT EXISTS (SELECT FROM written)
"""  # noqa: S608 - constants

_STATUSES = """
SELECT t.urn, t.state, t.reason, t.preview_sought_at, t.preview_asked, EXISTS (
    SELECT FROM embeddings e JOIN models m USING (model) WHERE e.urn = t.urn AND m.current
) AS has_embedding
FROM tracks t WHERE t.urn = ANY($1)
"""

_ENSURE = "INSERT INTO tracks (urn, source, title) VALUES ($1, $2, '') ON CONFLICT (urn) DO NOTHING"

_GET = f"SELECT {COLUMNS} FROM tracks WHERE urn = $1"  # noqa: S608 - a constant of this module

_GET_MANY = f"SELECT {COLUMNS} FROM tracks WHERE urn = ANY($1)"  # noqa: S608 - a constant of this module

# Where the extractor was faster, only what the crawl knows of the preview is added.
_QUEUED = """
UPDATE tracks SET preview_provider = $2, match_method = $3, preview_provider_id = $4, match_score = $5,
       isrc = coalesce(isrc, $6), preview_sought_at = NULL, preview_asked = '{}', updated_at = now(),
       reason = CASE WHEN state = 'pending' THEN NULL ELSE reason END,
       state = CASE WHEN state = 'pending' THEN 'queued' ELSE state END
WHERE urn = $1 AND state <> 'forgotten'
"""

_PENDING = """
UPDATE tracks SET state = 'pending', reason = NULL, updated_at = now()
WHERE urn = $1 AND state IN ('queued', 'no_preview', 'rejected')
"""

_NO_PREVIEW = """
UPDATE tracks SET state = 'no_preview', reason = $2, preview_sought_at = now(), preview_asked = $3, updated_at = now()
WHERE urn = $1 AND state = 'pending'
"""

_REJECTED = """
UPDATE tracks SET state = 'rejected', reason = $2, updated_at = now() WHERE urn = $1 AND state IN ('pending', 'queued')
"""

_PREVIEW_LOST = """
UPDATE tracks SET state = 'pending', reason = $2, updated_at = now() WHERE urn = $1 AND state IN ('pending', 'queued')
"""

_SET_REASON = "UPDATE tracks SET reason = $2, updated_at = now() WHERE urn = $1 AND state IN ('pending', 'queued')"


async def upsert(db: Executor, track: Track) -> bool:
    """Write the facts about a track and its search names; its state stays, or starts as `pending`.

    Returns False, having written nothing, for a forgotten track and one whose artist or ISRC is blocked.
    """
    names = SearchNames.of(track.title, track.artists, track.album)
    written = await db.fetchval(
        _UPSERT,
        track.id.urn,
        track.id.source,
        clean(track.title),
        [clean(a) for a in track.artists],
        [clean(urn) for urn in track.artist_urns],
        clean_or_none(track.album),
        track.duration_ms,
        normalised_isrc(track.isrc) or clean_or_none(track.isrc),
        clean_or_none(track.link),
        [clean(t) for t in track.tags],
        names.title,
        names.credit,
        names.album,
        names.tokens,
        names.spelling_candidates,
        None if track.artist_credit is None else [clean(name) for name in track.artist_credit],
        list(track.fronts),
    )
    if written and track.aliases is not None:
        await aliases.replace(db, track.id, track.aliases, aliases.TAG_NAMESPACES)
    return bool(written)


async def status(db: Executor, track: TrackId) -> TrackStatus | None:
    """Return the status of a track, or None when it is not in the catalogue."""
    return (await statuses(db, [track.urn])).get(track.urn)


async def statuses(db: Executor, urns: Sequence[str]) -> Mapping[str, TrackStatus]:
    """Return the status of each of the tracks that is in the catalogue, by URN."""
    return {
        row["urn"]: TrackStatus(
            state=State(row["state"]),
            has_embedding=row["has_embedding"],
            reason=row["reason"],
            preview_searched_at=row["preview_sought_at"],
            providers=frozenset(row["preview_asked"]),
        )
        for row in await db.fetch(_STATUSES, list(urns))
    }


async def ensure(db: Executor, track: TrackId) -> None:
    """Create the row of a track whose preview reached the bucket without one."""
    await db.execute(_ENSURE, track.urn, track.source)


async def get(db: Executor, track: TrackId) -> StoredTrack | None:
    """Return one track, or None when it is not in the catalogue."""
    row = await db.fetchrow(_GET, track.urn)
    return read_stored_track(row) if row else None


async def get_many(db: Executor, urns: Sequence[str]) -> Mapping[str, StoredTrack]:
    """Return the tracks among `urns` that are in the catalogue, by URN."""
    return {row["urn"]: read_stored_track(row) for row in await db.fetch(_GET_MANY, list(urns))}


async def mark_pending(db: Executor, track: TrackId) -> None:
    """Set a track back to `pending` before its preview is fetched again."""
    await db.execute(_PENDING, track.urn)


async def mark_queued(
    db: Executor,
    track: TrackId,
    *,
    provider: str,
    method: str,
    provider_id: str | None = None,
    score: float | None = None,
    isrc: str | None = None,
) -> None:
    """Store that the preview is in the bucket and its origin; a track that is `ready` already stays so.

    `score` from 0 to 1 says how well the preview's track matches this one; `isrc` is stored where the track has none.
    """
    await db.execute(_QUEUED, track.urn, provider, method, clean_or_none(provider_id), score, clean_or_none(isrc))


async def mark_no_preview(db: Executor, track: TrackId, reason: str, *, providers: Collection[str] = ()) -> None:
    """Store that none of the `providers` has a preview of the track."""
    await db.execute(_NO_PREVIEW, track.urn, clean(reason), sorted(providers))


async def mark_rejected(db: Executor, track: TrackId, reason: str) -> None:
    """Store why the preview can never become a vector."""
    await db.execute(_REJECTED, track.urn, clean(reason))


async def mark_preview_lost(db: Executor, track: TrackId, reason: str) -> None:
    """Set a track whose preview is lost back to `pending`; the next crawl fetches it again."""
    await db.execute(_PREVIEW_LOST, track.urn, clean(reason))


async def set_reason(db: Executor, track: TrackId, reason: str) -> None:
    """Store why a track that is pending or queued is late."""
    await db.execute(_SET_REASON, track.urn, clean(reason))


def read_stored_track(row: Mapping[str, Any] | asyncpg.Record) -> StoredTrack:
    """Read a track from a row that has `COLUMNS`."""
    return StoredTrack(
        track=Track(
            id=TrackId.from_urn(row["urn"]),
            title=row["title"],
            artists=tuple(row["artists"]),
            artist_urns=tuple(row["artist_urns"]),
            album=row["album"],
            duration_ms=row["duration_ms"],
            isrc=row["isrc"],
            link=row["link"],
            tags=tuple(row["tags"]),
            artist_credit=None if row["artist_credit"] is None else tuple(row["artist_credit"]),
        ),
        state=State(row["state"]),
        reason=row["reason"],
        preview_provider=row["preview_provider"],
        match_method=row["match_method"],
        preview_provider_id=row["preview_provider_id"],
        match_score=row["match_score"],
    )
