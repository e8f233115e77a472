"""Other identities of tracks that are there already: of files, since the rule that identifies them has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.db import embeddings, erasure, search_names
from soundalike.db.tracks import State
from soundalike.domain.file_identity import IDENTITY_VERSION

if TYPE_CHECKING:
    from soundalike.db.database import Connection, Executor
    from soundalike.domain.track_id import TrackId

_HAS_FORMER = "SELECT EXISTS (SELECT FROM tracks WHERE identity_version < $1)"

_LOCK = "SELECT urn, state FROM tracks WHERE urn = ANY($1) ORDER BY urn FOR UPDATE"

_COPY: Final = """
INSERT INTO tracks
SELECT copy.* FROM tracks t, LATERAL jsonb_populate_record(t, jsonb_build_object('urn', $2::text)) AS copy
WHERE t.urn = $1
ON CONFLICT (urn) DO NOTHING
"""

# What the track of the new name has itself goes first.
_MOVE_ALIASES: Final = (
    """
    DELETE FROM aliases a WHERE urn = $1
        AND EXISTS (SELECT FROM aliases b WHERE b.urn = $2 AND b.namespace = a.namespace AND b.id = a.id)
    """,
    "UPDATE aliases SET urn = $2 WHERE urn = $1",
)

_MOVE: Final = (
    "DELETE FROM embeddings WHERE urn = $1 AND model IN (SELECT model FROM embeddings WHERE urn = $2)",
    "UPDATE embeddings SET urn = $2 WHERE urn = $1",
    "UPDATE playlist_tracks SET track = $2 WHERE track = $1",
    "UPDATE playlist_readings SET track = $2 WHERE track = $1",
    'DELETE FROM favorites WHERE track = $1 AND "user" IN (SELECT "user" FROM favorites WHERE track = $2)',
    "UPDATE favorites SET track = $2 WHERE track = $1",
    "DELETE FROM track_popularity WHERE track = $1 AND EXISTS (SELECT FROM track_popularity WHERE track = $2)",
    "UPDATE track_popularity SET track = $2 WHERE track = $1",
    "UPDATE locations SET urn = $2 WHERE urn = $1",
    """
    DELETE FROM manifest WHERE kind = 'track' AND urn = $1
        AND request IN (SELECT request FROM manifest WHERE kind = 'track' AND urn = $2)
    """,
    "UPDATE manifest SET urn = $2 WHERE kind = 'track' AND urn = $1",
)

# The names are folded anew where they are those of another row.
_MOVE_NAMES: Final = (
    "DELETE FROM track_names WHERE urn = $2 AND words IS NULL AND EXISTS (SELECT FROM track_names WHERE urn = $1)",
    "UPDATE track_names SET urn = $2 WHERE urn = $1 AND NOT EXISTS (SELECT FROM track_names WHERE urn = $2)",
)

# A preview that lies in the bucket has the former name, and the extractor stores nothing under that one any more. What
# was rejected was so by the rules of its time: since then formats and passages are analysed that were not.
_SETTLE: Final = """
UPDATE tracks SET identity_version = $2, updated_at = now(),
    reason = CASE WHEN state = 'rejected' AND $3 THEN NULL ELSE reason END,
    state = CASE
    WHEN EXISTS (SELECT FROM embeddings e JOIN models m USING (model) WHERE e.urn = tracks.urn AND m.current)
        THEN CASE WHEN state = 'gone' THEN 'gone' ELSE 'ready' END
    WHEN state IN ('queued', 'rejected') AND $3 THEN 'pending'
    ELSE state END
WHERE urn = $1
"""

_SETTLE_FORGOTTEN: Final = """
WITH moved AS (UPDATE locations SET urn = $2 WHERE urn = $1)
UPDATE tracks SET identity_version = $3 WHERE urn = $2
"""

_SET_NO_FILE: Final = "UPDATE tracks SET identity_version = NULL WHERE urn = $1"

_DELETE: Final = "DELETE FROM tracks WHERE urn = $1"


async def has_former(db: Executor) -> bool:
    """Tell whether any file is still known by an identity of a former rule."""
    return bool(await db.fetchval(_HAS_FORMER, IDENTITY_VERSION))


async def rename(db: Connection, former: TrackId, track: TrackId) -> bool:
    """Give a track another id, with everything that hangs on it; tells whether there was such a track.

    A track that has the new id already keeps what it has, and gets the rest: playlists, favourites, locations, an
    embedding that it lacks. Where one of both was forgotten, so is the track. Readers of embeddings are notified. A
    preview of the former id that waits for its extraction is not extracted.
    """
    if former == track:
        return False
    async with db.transaction():
        states = {row["urn"]: State(row["state"]) for row in await db.fetch(_LOCK, [former.urn, track.urn])}
        if former.urn not in states:
            return False
        if State.FORGOTTEN in states.values():
            await erasure.forget_tracks(db, [former, track])
            for statement in _MOVE_ALIASES:
                await db.execute(statement, former.urn, track.urn)
            await db.execute(_SETTLE_FORGOTTEN, former.urn, track.urn, IDENTITY_VERSION)
        else:
            await _move(db, former, track, is_new=track.urn not in states)
        if states[former.urn] is State.QUEUED:
            # The extractor deletes the preview of a forgotten track, and would make a row of an unknown one.
            await erasure.forget_tracks(db, [former])
            await db.execute(_SET_NO_FILE, former.urn)
        else:
            await db.execute(_DELETE, former.urn)
        await search_names.delete_dropped_words(db)
    return True


async def _move(db: Connection, former: TrackId, track: TrackId, *, is_new: bool) -> None:
    names = former.urn, track.urn
    if is_new:
        await db.execute(_COPY, *names)
    for statement in (*_MOVE_NAMES, *_MOVE_ALIASES, *_MOVE):
        await db.execute(statement, *names)
    await db.execute(_SETTLE, track.urn, IDENTITY_VERSION, is_new)
    await embeddings.renew(db, [track.urn])
