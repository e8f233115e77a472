"""Files that a scan knows from before: at the same path, or moved from another, they are not read again."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soundalike.crawler.entries import KnownEntry, SkippedEntry, TrackEntry
from soundalike.crawler.policy import BLOCKED
from soundalike.db import gone_tracks, locations, tracks
from soundalike.db.database import in_transaction
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.tracks import State, TrackStatus
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.audio.file_tree import RegularFile
    from soundalike.crawler.entries import Entry
    from soundalike.crawler.library.scan_record import ScanRecord
    from soundalike.db.database import Pool
    from soundalike.db.locations import StoredLocation


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """What is stored of files whose content is as it was."""

    pool: Pool
    record: ScanRecord

    async def entries(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        """Return what is known of a file that was read before, at this path or another, without reading it."""
        record = self.record
        stamp = FileStamp.of(file.status)
        entries: list[Entry] = []
        for row in stored:
            track = TrackId.from_urn(row.urn) if row.urn else None
            if (row.root, row.path, row.stamp, row.is_gone) != (record.library.root, file.path, stamp, False):
                location = ScannedLocation(record.library, file.path, stamp, row.segment, row.ignored)
                await locations.save(self.pool, location, track)
            if row.ignored and row.ignored != BLOCKED:
                entries.append(record.ignored_entry(file.path, row.ignored))
            if track:
                entries.append(await self._known_entry(file.path, row, track))
            elif row.ignored == BLOCKED:
                entries.append(SkippedEntry(record.position(), record.label(file.path), BLOCKED))
        return entries

    async def former_location(self, file: RegularFile, stamp: FileStamp) -> Sequence[StoredLocation]:
        """Return where a file of the same name lay that was moved here or back, or lies that is the same by a link."""
        same = await locations.of_inode(self.pool, stamp)
        for row in same:
            if os.path.basename(row.path) != os.path.basename(file.path):  # noqa: PTH119 - bytes
                continue
            place = [other for other in same if (other.root, other.path) == (row.root, row.path)]
            if await asyncio.to_thread(_is_gone_or_same, os.path.join(row.root, row.path), file.status):  # noqa: PTH118
                return place
        return ()

    async def _known_entry(self, path: bytes, row: StoredLocation, track: TrackId) -> Entry:
        position, label = self.record.position(), self.record.label(path)
        status = TrackStatus(row.state or State.PENDING, row.has_embedding, row.reason)
        if status.state is State.GONE:
            await in_transaction(self.pool, lambda db: gone_tracks.restore(db, [track.urn]))
            status = await tracks.status(self.pool, track) or status

        async def read() -> TrackEntry | SkippedEntry:
            stored = await tracks.get(self.pool, track)
            if stored is None:
                return SkippedEntry(position, label, BLOCKED)
            return TrackEntry(position, label, stored.track, self.record.offer(path, row.segment))

        return KnownEntry(position, label, track, status, read)


def is_unchanged(stored: FileStamp, now: FileStamp) -> bool:
    """Tell whether a file is as it was when it was stored."""
    # Some file systems, such as exFAT, number their files anew at every mount.
    return stored == replace(now, inode=stored.inode)


def _is_gone_or_same(path: bytes, status: os.stat_result) -> bool:
    """Tell whether there is nothing at a path any more, or that very file."""
    try:
        return os.path.samestat(os.stat(path), status)  # noqa: PTH116 - bytes
    except OSError:
        return True
