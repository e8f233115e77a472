"""Queries over playlists: their tracks in order, and when they are crawled again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.domain.file_paths import PathPrefix, path_text
from soundalike.domain.text import clean, clean_or_none
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from soundalike.db.database import Connection, Executor


@dataclass(frozen=True, slots=True)
class Playlist:
    """A list of tracks somewhere; `snapshot_id` changes whenever the source's list does."""

    urn: str
    source: str
    title: str
    snapshot_id: str | None = None


_UPSERT = """
INSERT INTO playlists (urn, source, title, snapshot_id, crawled_at)
SELECT $1, $2, $3, $4, now() WHERE NOT EXISTS (SELECT FROM blocks WHERE urn = $1 OR starts_with($1, urn || ':'))
ON CONFLICT (urn) DO UPDATE SET
    title = EXCLUDED.title, snapshot_id = EXCLUDED.snapshot_id, crawled_at = EXCLUDED.crawled_at, last_error = NULL
RETURNING urn
"""

_EMPTY = "DELETE FROM playlist_tracks WHERE playlist = $1"

# A track may be forgotten while a crawl reads the list.
_ADD = """
INSERT INTO playlist_tracks (playlist, position, track)
SELECT $1, entries.position, entries.track
FROM unnest($2::integer[], $3::text[]) AS entries (position, track) JOIN tracks t ON t.urn = entries.track
WHERE t.state <> 'forgotten'
"""

_TRACKS = "SELECT position, track FROM playlist_tracks WHERE playlist = $1 ORDER BY position"

_DELETE_CHECKPOINTS = "DELETE FROM playlist_readings WHERE playlist = $1"

_GET = "SELECT urn, source, title, snapshot_id FROM playlists WHERE urn = $1"

# The lists of a user are blocked with the user.
_BLOCKED = "SELECT EXISTS (SELECT FROM blocks WHERE urn = $1 OR starts_with($1, urn || ':'))"

# The duration is also how long another crawler waits where this one dies.
_LEASE = """
UPDATE playlists SET next_crawl_at = now() + $2
WHERE urn = (
    SELECT urn FROM playlists WHERE next_crawl_at <= now() AND source = ANY($1)
    ORDER BY next_crawl_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING urn, source, title, snapshot_id
"""

# An interval of zero is none; least() and greatest() pass over what is NULL.
_SCHEDULE = """
UPDATE playlists SET last_error = $5, recrawl_every = requested.every, next_crawl_at = now() + CASE
    WHEN requested.every IS NOT NULL THEN greatest($4::interval, least($3::interval, requested.every)) END
FROM (SELECT urn, nullif(coalesce($2::interval, recrawl_every), interval '0') AS every FROM playlists) AS requested
WHERE playlists.urn = $1 AND requested.urn = $1
"""

_SET_FILE = "UPDATE playlists SET file = $2, path_prefix = $3 WHERE urn = $1"

_FILE = "SELECT file, path_prefix FROM playlists WHERE urn = $1 AND file IS NOT NULL"

_COUNT_SUBSCRIBED = "SELECT count(*) FROM playlists WHERE recrawl_every IS NOT NULL AND source = ANY($1)"

_SECONDS_TO_NEXT = """
SELECT extract(epoch FROM min(next_crawl_at) - now())::float8 FROM playlists
WHERE next_crawl_at IS NOT NULL AND source = ANY($1)
"""


async def replace(db: Connection, playlist: Playlist, entries: Sequence[tuple[int, TrackId]]) -> None:
    """Store a playlist as it is now, `(position, track)` each, but for forgotten tracks and those without a row.

    A playlist that is blocked is not stored. Of two entries with one position the later one counts.
    """
    now = sorted({position: track.urn for position, track in entries}.items())
    async with db.transaction():
        written = await db.fetchval(
            _UPSERT, playlist.urn, playlist.source, clean(playlist.title), clean_or_none(playlist.snapshot_id)
        )
        if written is None:
            return
        before = [(row["position"], row["track"]) for row in await db.fetch(_TRACKS, playlist.urn)]
        await db.execute(_DELETE_CHECKPOINTS, playlist.urn)
        if before == now:
            return
        await db.execute(_EMPTY, playlist.urn)
        await db.execute(_ADD, playlist.urn, [position for position, _ in now], [urn for _, urn in now])


async def get(db: Executor, urn: str) -> Playlist | None:
    """Return one playlist, or None when it was never crawled."""
    row = await db.fetchrow(_GET, urn)
    return Playlist(**row) if row else None


async def count_subscribed(db: Executor, sources: Sequence[str]) -> int:
    """Count the playlists of these sources that are crawled at intervals."""
    return int(await db.fetchval(_COUNT_SUBSCRIBED, list(sources)))


async def is_blocked(db: Executor, urn: str) -> bool:
    """Tell whether the playlist, or the user whose list it is, is blocked."""
    return bool(await db.fetchval(_BLOCKED, urn))


async def tracks_of(db: Executor, urn: str) -> list[TrackId]:
    """List the tracks of a playlist in its order, repeated ones repeated."""
    return [TrackId.from_urn(row["track"]) for row in await db.fetch(_TRACKS, urn)]


async def lease_due(db: Executor, sources: Sequence[str], *, duration: timedelta) -> Playlist | None:
    """Lease the playlist of these sources that is due for longest; for `duration` nobody else gets it."""
    row = await db.fetchrow(_LEASE, list(sources), duration)
    return Playlist(**row) if row else None


async def schedule(
    db: Executor,
    urn: str,
    interval: timedelta | None = None,
    *,
    retry_in: timedelta | None = None,
    not_before: timedelta | None = None,
    error: str | None = None,
) -> None:
    """Store when a playlist is due again after a crawl, and the `error` of a crawl that failed.

    `interval` is that between its crawls from now on, zero for no more crawls; without one it stays as it was, at first
    none. A playlist with an interval is due after `retry_in` this time where that is sooner, but never before
    `not_before` has passed.
    """
    await db.execute(_SCHEDULE, urn, interval, retry_in, not_before, clean_or_none(error))


async def set_file(db: Executor, urn: str, path: bytes | None, prefix: PathPrefix | None = None) -> None:
    """Store where the file of a list lies and how its paths begin, for its next crawls; None where there are none."""
    texts = [text.encode("utf-8", "surrogateescape") for text in (prefix.old, prefix.new)] if prefix else None
    await db.execute(_SET_FILE, urn, path, texts)


async def file_of(db: Executor, urn: str) -> tuple[bytes, PathPrefix | None] | None:
    """Return where the file of a list lies and how its paths begin, None for a list that is in no file."""
    row = await db.fetchrow(_FILE, urn)
    if row is None:
        return None
    return row["file"], PathPrefix(*map(path_text, row["path_prefix"])) if row["path_prefix"] else None


async def seconds_to_next(db: Executor, sources: Sequence[str]) -> float | None:
    """Return in how many seconds the next playlist of these sources is due, negative for one that is; None: never."""
    seconds = await db.fetchval(_SECONDS_TO_NEXT, list(sources))
    return None if seconds is None else float(seconds)
