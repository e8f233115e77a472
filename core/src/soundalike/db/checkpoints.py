"""Queries over lists that were not read to their end: which places are known, so that another crawl goes on there."""

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
    """What stands at a place of a list: a track, or something else with the reason why that is none."""

    position: int
    track: TrackId | None
    label: str = ""
    reason: str | None = None


_KEEP = """
INSERT INTO playlist_readings (playlist, snapshot_id, position, track, label, reason)
SELECT $1, $2, * FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[]) AS p (position, track, label, reason)
WHERE track IS NULL OR EXISTS (SELECT FROM tracks WHERE urn = track)
ON CONFLICT (playlist, position) DO UPDATE SET
    snapshot_id = EXCLUDED.snapshot_id, track = EXCLUDED.track, label = EXCLUDED.label, reason = EXCLUDED.reason
"""

_OUTDATED = "DELETE FROM playlist_readings WHERE playlist = $1 AND snapshot_id <> $2"

_PLACES = """
SELECT position, track, label, reason FROM playlist_readings WHERE playlist = $1 AND snapshot_id = $2 ORDER BY position
"""


async def save(db: Executor, playlist: str, snapshot_id: str, checkpoints: Sequence[Checkpoint]) -> None:
    """Remember places of a list, apart from those of tracks that have no row."""
    await db.execute(
        _KEEP,
        playlist,
        snapshot_id,
        [place.position for place in checkpoints],
        [place.track.urn if place.track else None for place in checkpoints],
        [clean(place.label) for place in checkpoints],
        [clean_or_none(place.reason) for place in checkpoints],
    )


async def load(db: Executor, playlist: str, snapshot_id: str) -> list[Checkpoint]:
    """List the places that are known of this version of a list, in order; those of other versions are dropped."""
    await db.execute(_OUTDATED, playlist, snapshot_id)
    return [
        Checkpoint(
            row["position"], TrackId.from_urn(row["track"]) if row["track"] else None, row["label"], row["reason"]
        )
        for row in await db.fetch(_PLACES, playlist, snapshot_id)
    ]
