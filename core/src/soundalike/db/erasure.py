"""Forgetting: deletes a track, a recording, an artist, a user or a playlist and keeps it from coming back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.db import embeddings, releases, search_names
from soundalike.domain.isrc import isrc_urn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from soundalike.db.database import Connection, Executor
    from soundalike.domain.track_id import TrackId

_BLOCK = "INSERT INTO blocks (urn) VALUES ($1) ON CONFLICT (urn) DO NOTHING"

_BLOCK_MANY = "INSERT INTO blocks (urn) SELECT unnest($1::text[]) ON CONFLICT (urn) DO NOTHING"

_BLOCKED = "SELECT urn FROM blocks WHERE urn = ANY($1)"

# Only the id stays, so that no crawl adds the track again.
_FORGET = """
INSERT INTO tracks (urn, source, title, state) SELECT urn, split_part(urn, ':', 1), '', 'forgotten'
FROM unnest($1::text[]) AS urn
ON CONFLICT (urn) DO UPDATE SET
    state = 'forgotten', title = '', artists = '{}', artist_urns = '{}', album = NULL, duration_ms = NULL, isrc = NULL,
    link = NULL, tags = '{}', reason = NULL, preview_provider = NULL, match_method = NULL, preview_provider_id = NULL,
    match_score = NULL, preview_sought_at = NULL, preview_asked = '{}', artist_credit = NULL, fronts = '{}',
    updated_at = now()
"""

_DELETE_DEPENDENTS = (
    "DELETE FROM embeddings WHERE urn = ANY($1)",
    "DELETE FROM playlist_tracks WHERE track = ANY($1)",
    "UPDATE locations SET names = NULL WHERE urn = ANY($1)",
    "DELETE FROM playlist_readings WHERE track = ANY($1)",
    "DELETE FROM favorites WHERE track = ANY($1)",
    "DELETE FROM track_popularity WHERE track = ANY($1)",
    # The ids of the recording that a file is stay: other encodings of it are known by them (`db.encodings`).
    "DELETE FROM aliases WHERE urn = ANY($1) AND NOT starts_with(urn, 'file:')",
    "DELETE FROM manifest WHERE kind = 'track' AND urn = ANY($1)",
    "DELETE FROM analyses WHERE urn = ANY($1)",
    "DELETE FROM dead_letters WHERE urn = ANY($1)",
    "DELETE FROM crawls WHERE playlist = ANY($1)",
    # Of which track of a service another's preview was.
    """
    UPDATE tracks SET preview_provider_id = NULL
    WHERE (preview_provider, preview_provider_id) IN (
        SELECT split_part(urn, ':', 1), split_part(urn, ':', 3) FROM unnest($1::text[]) AS urn
    )
    """,
)

_DELETE = "DELETE FROM tracks WHERE urn = ANY($1)"

_EXISTS = "SELECT EXISTS (SELECT FROM tracks WHERE urn = $1 AND state <> 'forgotten')"

_BY_ARTIST = "SELECT urn FROM tracks WHERE artist_urns && ARRAY[$1::text]"

_LISTED = """
SELECT track AS urn FROM playlist_tracks WHERE playlist = $1
UNION SELECT track FROM playlist_readings WHERE playlist = $1 AND track IS NOT NULL
"""

_PLAYLIST = (
    "DELETE FROM playlists WHERE urn = $1",
    "DELETE FROM playlist_readings WHERE playlist = $1",
    # A crawler that is at it stops.
    "DELETE FROM crawls WHERE playlist = $1",
)

_LISTS_OF_USER = """
SELECT urn FROM playlists WHERE starts_with(urn, $1 || ':')
UNION SELECT playlist FROM playlist_readings WHERE starts_with(playlist, $1 || ':')
UNION SELECT playlist FROM crawls WHERE starts_with(playlist, $1 || ':')
"""

_USER = ("DELETE FROM manifest WHERE kind = 'user' AND urn = $1", "DELETE FROM users WHERE urn = $1")

_KNOWN = """
SELECT EXISTS (SELECT FROM tracks WHERE urn = $1 AND state <> 'forgotten')
    OR EXISTS (SELECT FROM tracks WHERE artist_urns && ARRAY[$1::text])
    OR EXISTS (SELECT FROM users WHERE urn = $1)
    OR EXISTS (SELECT FROM manifest WHERE urn = $1)
    OR EXISTS (SELECT FROM playlists WHERE urn = $1 OR starts_with(urn, $1 || ':'))
    OR EXISTS (SELECT FROM playlist_readings WHERE playlist = $1 OR starts_with(playlist, $1 || ':'))
    OR EXISTS (SELECT FROM crawls WHERE playlist = $1 OR starts_with(playlist, $1 || ':'))
"""


async def find_blocked(db: Executor, urns: Collection[str]) -> set[str]:
    """Return the artists, users, playlists and ISRCs (`domain.isrc.isrc_urn`) among `urns` that are blocked."""
    return {row["urn"] for row in await db.fetch(_BLOCKED, list(urns))}


async def is_known(db: Executor, urn: str) -> bool:
    """Tell whether anything is stored of a track, artist, user or playlist but that it is blocked."""
    return bool(await db.fetchval(_KNOWN, urn))


async def forget_tracks(db: Connection, tracks: Sequence[TrackId]) -> None:
    """Delete everything about tracks but their ids, and notify the API."""
    await _forget(db, list(dict.fromkeys(track.urn for track in tracks)))


async def forget_if_present(db: Connection, track: TrackId) -> None:
    """Delete everything about a track where it is in the catalogue; it may not be."""
    if await db.fetchval(_EXISTS, track.urn):
        await _forget(db, [track.urn])


async def forget_releases(db: Connection, isrcs: Sequence[str], tracks: Sequence[TrackId] = ()) -> list[str]:
    """Delete the tracks with one of the ISRCs, block the ISRCs, and return the URNs of the tracks.

    With `tracks` these are deleted as well.
    """
    async with db.transaction():
        await db.execute(_BLOCK_MANY, [isrc_urn(isrc) for isrc in isrcs])
        with_isrc = [release.track.id for release in await releases.by_isrc(db, isrcs)]
        urns = sorted({track.urn for track in (*with_isrc, *tracks)})
        await _forget(db, urns)
    return urns


async def forget_artist(db: Connection, urn: str) -> list[str]:
    """Delete the tracks of an artist, block the artist, and return the URNs of the tracks."""
    async with db.transaction():
        # A list of their tracks, such as the top tracks, has the artist's URN.
        await forget_playlist(db, urn)
        urns = [row["urn"] for row in await db.fetch(_BY_ARTIST, urn)]
        await _forget(db, urns)
    return urns


async def forget_playlist(db: Connection, urn: str, *, with_tracks: bool = False) -> list[str]:
    """Delete a playlist and block it; with `with_tracks` its tracks as well, whose URNs are returned."""
    async with db.transaction():
        await db.execute(_BLOCK, urn)
        urns = [row["urn"] for row in await db.fetch(_LISTED, urn)] if with_tracks else []
        for statement in _PLAYLIST:
            await db.execute(statement, urn)
        await _forget(db, urns)
    return urns


async def forget_user(db: Connection, urn: str) -> list[str]:
    """Delete a user with favourites, lists and uploaded tracks, block all of it, and return the URNs of the tracks."""
    async with db.transaction():
        for playlist in [row["urn"] for row in await db.fetch(_LISTS_OF_USER, urn)]:
            await forget_playlist(db, playlist)
        for statement in _USER:
            await db.execute(statement, urn)
        return await forget_artist(db, urn)


async def delete_tracks(db: Connection, urns: list[str]) -> None:
    """Delete tracks with everything about them and block none: they may come again. The API is notified."""
    if not urns:
        return
    async with db.transaction():
        for statement in (*_DELETE_DEPENDENTS, _DELETE):
            await db.execute(statement, urns)
        await embeddings.notify(db)
        await search_names.delete_dropped_words(db)


async def _forget(db: Connection, urns: list[str]) -> None:
    if not urns:
        return
    async with db.transaction():
        await db.execute(_FORGET, urns)
        for statement in _DELETE_DEPENDENTS:
            await db.execute(statement, urns)
        await embeddings.notify(db)
        # At last, as it takes turns with others that hold rows of their tracks.
        await search_names.delete_dropped_words(db)
