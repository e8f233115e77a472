"""A scan of a library: what was added, changed, moved and is gone since the last one; what is unchanged is not read."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.audio.file_tree import RegularFile, SpecialFile, SystemItems, UnreadablePath, count_names, walk
from soundalike.audio.other_kind import OtherKind
from soundalike.crawler.errors import SourceLocked, SourceUnavailable
from soundalike.crawler.library.cue_albums import is_cue_sheet
from soundalike.crawler.library.cue_changes import CueChanges
from soundalike.crawler.library.file_scan import FileScan
from soundalike.crawler.library.known_files import KnownFiles, is_unchanged
from soundalike.crawler.library.missing_files import MissingFiles
from soundalike.crawler.library.scan_record import (
    BEING_WRITTEN,
    MOVED,
    OTHER_FILE,
    RETURNED,
    UNCHANGED,
    ScanRecord,
    os_reason,
)
from soundalike.crawler.library.stored_files import pairs
from soundalike.db import encodings, libraries, locations, search_names
from soundalike.db.locations import FileStamp
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.crawl import Crawl
    from soundalike.crawler.entries import Entry
    from soundalike.crawler.library.file_reader import FileReader
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library, Subfolder
    from soundalike.db.locations import StoredLocation
    from soundalike.http.errors import ServiceError

MAX_FILE_BYTES: Final = 8 * 1024**3
"""Every byte of a file is read to identify it, and a sparse file of terabytes takes no room on the disk."""

TOO_LARGE: Final = f"files of more than {MAX_FILE_BYTES // 1024**3} GB"

_RECENT_NS: Final = 5 * 10**9
_SECOND_LOOK_S: Final = 1.0
_MAX_REPORTED: Final = 20


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to scan: `full` reads everything again, `accept_gone` asks nothing, however much is gone.

    A file that was written to in the last seconds is looked at a second time after `second_look_s`.
    """

    full: bool = False
    accept_gone: bool = False
    second_look_s: float = _SECOND_LOOK_S


@dataclass(slots=True)
class LibraryScan:
    """A scan of a library or of a folder in it, as a source (see `crawler.sources.source.Source`); use it once.

    `notice` is what a person has to be told at the end. A folder that is no library has no locations to store.
    """

    pool: Pool
    subfolder: Subfolder
    reader: FileReader
    encoders: ClipEncoderPool
    options: ScanOptions = field(default_factory=ScanOptions)
    stores_locations: bool = True
    total: int | None = field(default=None, init=False)
    notice: str | None = field(default=None, init=False)
    _record: ScanRecord = field(init=False)
    _known: KnownFiles = field(init=False)
    _cues: CueChanges = field(init=False)
    _missing: MissingFiles = field(init=False)
    _files: FileScan = field(init=False)
    _recent: list[tuple[RegularFile, Sequence[StoredLocation]]] = field(default_factory=list, init=False)
    _recent_since: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._record = ScanRecord(self.pool, self.subfolder, self.encoders, self.stores_locations)
        self._known = KnownFiles(self.pool, self._record)
        self._cues = CueChanges(self.pool, self._record, self._known, full=self.options.full)
        self._missing = MissingFiles(self.pool, self._record)
        self._files = FileScan(self.pool, self._record, self.reader, self._cues, self._missing)

    @property
    def library(self) -> Library:
        """The library that is scanned, as a whole or in part."""
        return self.subfolder.library

    @property
    def name(self) -> str:
        """The folder's path."""
        return self._record.name

    async def playlist(self) -> None:
        """Return nothing: the order of files says nothing about the music."""

    async def run(self, crawl: Crawl, ask: Callable[[str], bool] | None = None) -> ServiceError | None:
        """Scan, and only after a scan that came to its end store what is gone; returns what ended it early.

        Where surprisingly much is gone, `ask` gets the question whether that is right; without it the answer is no.
        """
        async with crawl.leases.acquire(f"library:{self.library.id}") as mine:
            if not mine:
                return SourceLocked(f"another crawler is scanning {self.name}")
            try:
                root_library = await libraries.get(self.pool, self.library.root)
                if root_library is None or root_library.id != self.library.id:
                    return SourceUnavailable(f"the library of {self.name} was removed, or taken over by another one")
                known = (await locations.counts(self.pool)).get(self.library.id)
                begin = await encodings.moment(self.pool)
                failure = await crawl.run(self)
                if failure is None:
                    files = known.files if known else 0
                    failure = await self._missing.store(files, ask, accept_gone=self.options.accept_gone)
                    self.notice = self._missing.notice
                await search_names.refresh_copies(self.pool)
                await self._report_forgotten(begin)
            except DatabaseUnavailable as error:
                failure = SourceUnavailable(f"the database does not answer: {error}")
            crawl.stats.changes += self._record.changes
            return failure

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:  # noqa: ARG002 - no list, nothing is known ahead
        """Yield what each file is."""
        root, below = self.library.root, self.subfolder.path
        counting = asyncio.create_task(self._count(root, below))
        try:
            async with aclosing(pairs(self.pool, self.subfolder, walk(root, below))) as all_pairs:  # type: ignore[type-var]
                async for item, stored in all_pairs:
                    for entry in await self._entries(item, stored):
                        yield entry
            for file, stored in self._recent:
                for entry in await self._second_look(file, stored):
                    yield entry
            for folder in sorted(self._cues.folders):
                for entry in await self._recut(folder):
                    yield entry
        finally:
            counting.cancel()
        self.total = self._record.total

    async def file_entries(self, path: bytes) -> list[Entry]:
        """Return what one file is, read now, whatever is stored of it."""
        try:
            status = await asyncio.to_thread(os.stat, self._record.absolute(path))
        except OSError as error:
            return [self._record.unreadable_entry(path, os_reason(error))]
        return await self._files.entries(RegularFile(path, status), ())

    async def _count(self, root: bytes, below: bytes) -> None:
        self.total = await asyncio.to_thread(count_names, root, below)

    async def _entries(
        self, item: RegularFile | UnreadablePath | SpecialFile | SystemItems | None, stored: Sequence[StoredLocation]
    ) -> list[Entry]:
        match item:
            case None:
                self._missing.add(stored)
                self._cues.add_missing(stored)
                return []
            case UnreadablePath(path, reason):
                return [self._record.unreadable_entry(path, reason)]
            case SpecialFile(path):
                return [self._record.ignored_entry(path, OTHER_FILE)]
            case SystemItems(path, kind, count):
                return [self._record.ignored_entry(path, kind, count)] if count else []
            case RegularFile():
                self._missing.files += 1
                return await self._file_entries(item, stored)

    async def _file_entries(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        stamp = FileStamp.of(file.status)
        stored = [row for row in stored if not row.is_gone] or stored
        if is_cue_sheet(file.path):
            return [await self._cues.entry(file, stamp, stored)]
        is_video = any(row.ignored == OtherKind.VIDEO.value for row in stored)
        is_read_again = self.options.full or (is_video and self.reader.include_video)
        is_known = not (is_read_again or await self._cues.is_cut_anew(file.path, stored))
        if stored and is_known and all(is_unchanged(row.stamp, stamp) for row in stored):
            self._record.changes[RETURNED if stored[0].is_gone else UNCHANGED] += 1
            return await self._known.entries(file, stored)
        if file.status.st_size > MAX_FILE_BYTES:
            return [await self._record.store_ignored(file.path, stamp, TOO_LARGE)]
        is_new = all(row.is_gone for row in stored)
        if is_new and not self.options.full and (former := await self._known.former_location(file, stamp)):
            self._record.changes[RETURNED if former[0].is_gone else MOVED] += 1
            return await self._known.entries(file, former)
        if abs(time.time_ns() - file.status.st_mtime_ns) < _RECENT_NS:
            self._recent_since = self._recent_since or time.monotonic()
            self._recent.append((file, stored))
            return []
        return await self._files.entries(file, stored)

    async def _second_look(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        """Read a file that was written to a moment ago, unless it still is."""
        await asyncio.sleep(max(0.0, self._recent_since + self.options.second_look_s - time.monotonic()))
        try:
            status = await asyncio.to_thread(os.stat, self._record.absolute(file.path))
        except OSError as error:
            return [self._record.unreadable_entry(file.path, os_reason(error))]
        if FileStamp.of(status) != FileStamp.of(file.status):
            return [self._record.ignored_entry(file.path, BEING_WRITTEN)]
        return await self._files.entries(file, stored)

    async def _recut(self, folder: bytes) -> list[Entry]:
        """Read those files of a folder again that its cue sheets cut, or cut before, and that were not read yet."""
        entries: list[Entry] = []
        for path in await self._cues.rest(folder):
            try:
                status = await asyncio.to_thread(os.stat, self._record.absolute(path))
            except OSError:
                continue
            stored = await locations.of_path(self.pool, self.library, path)
            if stored:
                entries += await self._files.entries(RegularFile(path, status), stored)
        return entries

    async def _report_forgotten(self, since: datetime) -> None:
        """Tell of new files whose recordings were forgotten as other files; whether they go, too, a person says."""
        others = await encodings.of_forgotten(self.pool, since)
        if not others:
            return
        names = [f"{each.track.title} ({each.track.id})" for each in others[:_MAX_REPORTED]]
        if len(others) > len(names):
            names.append(f"{len(others) - len(names)} more")
        notice = (
            "by their tags these new files are other encodings of recordings that were forgotten: "
            f"{', '.join(names)}. To forget one, too: soundalike forget file:track:…"
        )
        self.notice = "; ".join(filter(None, (self.notice, notice)))
