"""How far a list was read, stored so that the crawl after one that was killed goes on there."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from soundalike.crawler.errors import SourceUnavailable
from soundalike.crawler.policy import BLOCKED
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import checkpoints, playlists, tracks
from soundalike.db.checkpoints import Checkpoint
from soundalike.db.database import in_transaction
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from soundalike.crawler.errors import SourceError
    from soundalike.crawler.policy import CrawlPolicy
    from soundalike.crawler.stats import Outcome
    from soundalike.db.database import Connection, Pool
    from soundalike.db.playlists import Playlist

log = logging.getLogger(__name__)

_BATCH_SIZE: Final = 25


@dataclass(slots=True)
class PlaylistCheckpoint:
    """The places of one version of a playlist that were crawled.

    `completed` are those at its beginning that need no more work, with how they count.
    """

    pool: Pool
    playlist: Playlist
    completed: list[tuple[Checkpoint, OutcomeStatus, str]]
    _rows: dict[int, Checkpoint] = field(default_factory=dict)
    _unsaved: list[Checkpoint] = field(default_factory=list)
    _is_complete: bool = True

    @classmethod
    async def load(cls, pool: Pool, policy: CrawlPolicy, playlist: Playlist) -> Self:
        """Load what an earlier crawl stored of the same version; raises `DatabaseUnavailable`."""
        snapshot = playlist.snapshot_id
        if snapshot is None:
            return cls(pool, playlist, [])
        stored = await checkpoints.load(pool, playlist.urn, snapshot)
        urns = [place.track.urn for place in stored if place.track]
        statuses = await tracks.statuses(pool, urns)
        completed: list[tuple[Checkpoint, OutcomeStatus, str]] = []
        for place in stored:
            if place.position != len(completed):
                break
            if place.track is None:
                completed.append((place, OutcomeStatus.SKIPPED, place.reason or ""))
            elif skip := policy.skip_reason(statuses.get(place.track.urn)):
                completed.append((place, *skip))
            else:
                break
        return cls(pool, playlist, completed, {place.position: place for place, _, _ in completed})

    async def add(self, position: int, outcome: Outcome) -> None:
        """Add what stands at a place."""
        if outcome.track is None and outcome.status is not OutcomeStatus.SKIPPED:
            # What stands there is not known, so the list as a whole is not.
            self._is_complete = False
            return
        reason = outcome.reason if outcome.track is None else None
        # The name of what is to be forgotten is not noted.
        place = Checkpoint(position, outcome.track, "" if outcome.reason == BLOCKED else outcome.label, reason)
        self._rows[position] = place
        self._unsaved.append(place)
        if len(self._unsaved) >= _BATCH_SIZE:
            await self.save()

    async def save(self) -> None:
        """Store the places that were added, if the database answers."""
        try:
            await self._save()
        except DatabaseUnavailable:
            log.warning("the position in %s could not be saved", self.playlist.urn)

    async def store_playlist(self) -> SourceError | None:
        """Store the list if every place of it was crawled; returns why that failed."""
        if not self._is_complete:
            return None
        entries_on_list = [(position, place.track) for position, place in sorted(self._rows.items()) if place.track]

        async def replace(connection: Connection) -> None:
            # A track that was forgotten may stand in the list more than once, and has no row.
            statuses = await tracks.statuses(connection, [track.urn for _, track in entries_on_list])
            entries = [(position, track) for position, track in entries_on_list if track.urn in statuses]
            await playlists.replace(connection, self.playlist, entries)

        try:
            await in_transaction(self.pool, replace)
        except DatabaseUnavailable as error:
            return SourceUnavailable(f"the playlist could not be stored: {error}")
        return None

    async def _save(self) -> None:
        snapshot, unsaved = self.playlist.snapshot_id, self._unsaved
        if snapshot is None or not unsaved:
            return
        self._unsaved = []
        await checkpoints.save(self.pool, self.playlist.urn, snapshot, unsaved)
