"""Checkpoints of lists that were not read to their end: the entries read so far, from which another crawl continues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.domain.text import clean, clean_or_none
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An entry of a list: a track, or something else with the reason why it is not one."""

    position: int
    track: TrackId | None
    label: str = ""
    reason: str | None = None


_SAVE = """
INSERT INTO playlist_readings (playlist, snapshot_id, position, track, label, reason)
SELECT $1, $2, * FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[]) AS p (position, track, label, reason)
WHERE (track IS NULL OR EXISTS (SELECT FROM tracks t WHERE t.urn = track AND t.state <> 'forgotten'))
    AND NOT EXISTS (SELECT FROM blocks b WHERE b.urn = $1 OR starts_with($1, b.urn || ':'))
ON CONFLICT (playlist, position) DO UPDATE SET
    snapshot_id = EXCLUDED.snapshot_id, track = EXCLUDED.track, label = EXCLUDED.label, reason = EXCLUDED.reason
"""

_OUTDATED = "DELETE FROM playlist_readings WHERE playlist = $1 AND snapshot_id <> $2"

_LOAD = """
SELECT position, track, label, reason FROM playlist_readings WHERE playlist = $1 AND snapshot_id = $2 ORDER BY position
"""


async def save(db: Executor, playlist: str, snapshot_id: str, checkpoints: Sequence[Checkpoint]) -> None:
    """Store entries of a list, except those of forgotten tracks and of tracks without a row; none of a blocked list."""
    unique = list({checkpoint.position: checkpoint for checkpoint in checkpoints}.values())
    await db.execute(
        _SAVE,
        playlist,
        snapshot_id,
        [checkpoint.position for checkpoint in unique],
        [checkpoint.track.urn if checkpoint.track else None for checkpoint in unique],
        [clean(checkpoint.label) for checkpoint in unique],
        [clean_or_none(checkpoint.reason) for checkpoint in unique],
    )


async def load(db: Executor, playlist: str, snapshot_id: str) -> list[Checkpoint]:
    """Return the entries stored for this version of a list, in order; those of other versions are deleted."""
    await db.execute(_OUTDATED, playlist, snapshot_id)
    return [
        Checkpoint(
            row["position"], TrackId.from_urn(row["track"]) if row["track"] else None, row["label"], row["reason"]
        )
        for row in await db.fetch(_LOAD, playlist, snapshot_id)
    ]
