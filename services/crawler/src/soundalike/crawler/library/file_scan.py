"""The scan of one file: it is read, and becomes a track, the tracks that a cue sheet cuts it into, or is ignored."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soundalike.audio.decode import MIN_SECONDS
from soundalike.audio.errors import DecoderUnavailable, InternalDecoderError
from soundalike.audio.other_kind import OtherKind
from soundalike.crawler.entries import TrackEntry
from soundalike.crawler.errors import CueSheetUnusable
from soundalike.crawler.library.cue_albums import CUT, SHORT_TRACK, UNFIT
from soundalike.crawler.library.file_track import file_track
from soundalike.crawler.library.scan_record import BEING_WRITTEN, OTHER_FILE, RETURNED, UNREADABLE_TAGS, os_reason
from soundalike.db import identities, locations
from soundalike.db.database import in_transaction
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.domain.file_identity import file_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.audio.file_tree import RegularFile
    from soundalike.crawler.entries import Entry
    from soundalike.crawler.library.cue_changes import CueChanges
    from soundalike.crawler.library.cue_sheet import CueSegment
    from soundalike.crawler.library.file_reader import FileFacts, FileReader
    from soundalike.crawler.library.missing_files import MissingFiles
    from soundalike.crawler.library.scan_record import ScanRecord
    from soundalike.db.database import Pool
    from soundalike.db.locations import StoredLocation
    from soundalike.db.tracks import Track

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileScan:
    """Reads files, one at a time, for a scan of their folder."""

    pool: Pool
    record: ScanRecord
    reader: FileReader
    cues: CueChanges
    missing: MissingFiles

    async def entries(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        """Return what a file is, read now; `stored` is what is known of its path."""
        record, path = self.record, file.path
        try:
            facts, status = await asyncio.to_thread(self._read, path)
        except OSError as error:
            return [record.unreadable_entry(path, os_reason(error))]
        except (InternalDecoderError, DecoderUnavailable) as error:
            return [record.unreadable_entry(path, str(error), "the reader of files fails")]
        stamp = FileStamp.of(status)
        listed = FileStamp.of(file.status)
        if (stamp.size, stamp.mtime_ns) != (listed.size, listed.mtime_ns):
            return [record.ignored_entry(path, BEING_WRITTEN)]
        if stored and all(row.is_gone for row in stored):
            record.changes[RETURNED] += 1
        segments = {row.segment: row for row in stored if row.segment and not row.is_gone}
        if facts is None or isinstance(facts, OtherKind):
            self.missing.add_replaced(segments.values())
            return [await record.store_ignored(path, stamp, facts.value if facts else OTHER_FILE)]
        ignored = UNREADABLE_TAGS if facts.tags is None else None
        try:
            if parts := await self.cues.parts(facts, path):
                names = {part.name for part, _ in parts}
                self.missing.add_replaced(row for name, row in segments.items() if name not in names)
                await self._supersede_former(path, stamp, facts)
                return await self._cut_entries(path, stamp, parts)
        except CueSheetUnusable as error:
            log.warning("%s is not cut by its cue sheet: %s", record.label(path), error)
            ignored = UNFIT
        self.missing.add_replaced(segments.values())
        location = ScannedLocation(record.library, path, stamp, ignored=ignored)
        entry = TrackEntry(
            record.position(),
            record.label(path),
            file_track(facts, path),
            record.offer(path),
            file_id(facts.sha256) if facts.sha256 else None,
            location,
            tagged=bool(facts.tags and facts.tags.title),
        )
        return [record.ignored_entry(path, ignored), entry] if ignored else [entry]

    async def _supersede_former(self, path: bytes, stamp: FileStamp, facts: FileFacts) -> None:
        """Give a whole file that is a track by its former identity a location, which its parts take over now."""
        if facts.sha256 is None:
            return
        former, whole = file_id(facts.sha256), file_id(facts.audio.digest)
        if await in_transaction(self.pool, lambda db: identities.rename(db, former, whole)):
            await locations.save(self.pool, ScannedLocation(self.record.library, path, stamp), whole)

    async def _cut_entries(
        self, path: bytes, stamp: FileStamp, parts: Sequence[tuple[CueSegment, Track]]
    ) -> list[Entry]:
        record = self.record
        entries: list[Entry] = [await record.store_ignored(path, stamp, CUT)]
        for part, track in parts:
            location = ScannedLocation(record.library, path, stamp, part.name)
            label = f"{record.label(path)}, track {part.track.number}"
            if part.end_ms - part.start_ms < MIN_SECONDS * 1000:
                if record.stores_locations:
                    await locations.save(self.pool, replace(location, ignored=SHORT_TRACK), None)
                entries.append(record.ignored_entry(path, SHORT_TRACK))
                continue
            offer = record.offer(path, part.name)
            is_titled = part.track.title is not None
            entries.append(TrackEntry(record.position(), label, track, offer, location=location, tagged=is_titled))
        return entries

    def _read(self, path: bytes) -> tuple[FileFacts | OtherKind | None, os.stat_result]:
        with open(self.record.absolute(path), "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file any more")
            facts = self.reader.read(stream, path)
            return facts, os.fstat(stream.fileno())


def _open_without_waiting(path: str, flags: int) -> int:
    # A pipe that took the place of the file since it was listed would wait for a writer.
    return os.open(path, flags | os.O_NONBLOCK)
