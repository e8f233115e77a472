"""A scan of a library: what was added, changed, moved and is gone since the last one; what is unchanged is not read."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shlex
import stat
import time
from collections import Counter
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundalike.audio.decode import MIN_SECONDS
from soundalike.audio.errors import DecoderUnavailable, InternalDecoderError
from soundalike.audio.file_tree import RegularFile, SpecialFile, SystemItems, UnreadablePath, count_names, walk
from soundalike.audio.other_kind import OtherKind
from soundalike.crawler.entries import IgnoredEntry, KnownEntry, SkippedEntry, TrackEntry, UnreadableEntry
from soundalike.crawler.errors import CueSheetUnusable, SourceLocked, SourceUnavailable
from soundalike.crawler.library.clip_offer import ClipOffer
from soundalike.crawler.library.cue_albums import (
    CUT,
    SHEET,
    SHORT_TRACK,
    UNFIT,
    UNUSABLE_SHEET,
    FolderSheets,
    cut,
    embedded,
    is_cue_sheet,
    read_folder,
)
from soundalike.crawler.library.file_track import file_track
from soundalike.crawler.library.pairing import pairs
from soundalike.crawler.policy import BLOCKED
from soundalike.db import encodings, gone_tracks, identities, libraries, locations, search_names, tracks
from soundalike.db.database import in_transaction
from soundalike.db.gone_tracks import MissingLocations
from soundalike.db.locations import FileStamp, ScannedLocation, segment_times
from soundalike.db.tracks import State, TrackStatus
from soundalike.domain.file_identity import file_id
from soundalike.domain.file_paths import display_path
from soundalike.domain.track_id import TrackId
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.crawl import Crawl
    from soundalike.crawler.entries import Entry
    from soundalike.crawler.library.cue_sheet import CueSegment
    from soundalike.crawler.library.file_reader import FileFacts, FileReader
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library, Subfolder
    from soundalike.db.locations import StoredLocation
    from soundalike.db.tracks import Track
    from soundalike.http.errors import ServiceError

log = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 8 * 1024**3
"""Every byte of a file is read to identify it, and a sparse file of terabytes takes no room on the disk."""

OTHER_FILE: Final = "other files"
TOO_LARGE: Final = f"files of more than {MAX_FILE_BYTES // 1024**3} GB"
UNREADABLE_TAGS: Final = "tags that could not be read"
BEING_WRITTEN: Final = "files that are still being written; the next scan reads them"

UNCHANGED: Final = "unchanged files, not read again"
MOVED: Final = "moved files"
RETURNED: Final = "files that are there again"
GONE: Final = "tracks whose files are gone"

_RECENT_NS: Final = 5 * 10**9
_SECOND_LOOK_S: Final = 1.0
_MAX_GONE_SHARE: Final = 0.1
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
    _changes: Counter[str] = field(default_factory=Counter, init=False)
    _positions: int = field(default=0, init=False)
    _ignored: int = field(default=0, init=False)
    _files: int = field(default=0, init=False)
    _missing: list[StoredLocation] = field(default_factory=list, init=False)
    _replaced: list[StoredLocation] = field(default_factory=list, init=False)
    _sheets: tuple[bytes, FolderSheets] | None = field(default=None, init=False)
    _folders_of_sheets: set[bytes] = field(default_factory=set, init=False)
    _cut: set[bytes] = field(default_factory=set, init=False)
    _unreadable: dict[bytes, str] = field(default_factory=dict, init=False)
    _recent: list[tuple[RegularFile, Sequence[StoredLocation]]] = field(default_factory=list, init=False)
    _recent_since: float = field(default=0.0, init=False)

    @property
    def library(self) -> Library:
        """The library that is scanned, as a whole or in part."""
        return self.subfolder.library

    @property
    def name(self) -> str:
        """The folder's path."""
        return display_path(self._absolute(self.subfolder.path))

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
                known = (await locations.counts(self.pool)).get(self.library.id)
                begin = await encodings.moment(self.pool)
                failure = await crawl.run(self)
                if failure is None:
                    failure = await self._conclude(known.files if known else 0, ask)
                await search_names.refresh_copies(self.pool)
                await self._report_forgotten(begin)
            except DatabaseUnavailable as error:
                failure = SourceUnavailable(f"the database does not answer: {error}")
            crawl.stats.changes += self._changes
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
            for folder in sorted(self._folders_of_sheets):
                for entry in await self._recut(folder):
                    yield entry
        finally:
            counting.cancel()
        self.total = self._positions + self._ignored

    async def file_entries(self, path: bytes) -> list[Entry]:
        """Return what one file is, read now, whatever is stored of it."""
        try:
            status = await asyncio.to_thread(os.stat, self._absolute(path))
        except OSError as error:
            return [self._unreadable_entry(path, error)]
        return await self._read_entries(RegularFile(path, status), ())

    async def _count(self, root: bytes, below: bytes) -> None:
        self.total = await asyncio.to_thread(count_names, root, below)

    async def _entries(
        self, item: RegularFile | UnreadablePath | SpecialFile | SystemItems | None, stored: Sequence[StoredLocation]
    ) -> list[Entry]:
        match item:
            case None:
                self._missing += [row for row in stored if not row.is_gone]
                self._folders_of_sheets |= {_folder_of(row.path) for row in stored if is_cue_sheet(row.path)}
                return []
            case UnreadablePath(path, reason):
                self._unreadable[path] = reason
                return [UnreadableEntry(self._position(), self._label(path), "cannot be read", reason)]
            case SpecialFile(path):
                return [self._ignore(path, OTHER_FILE)]
            case SystemItems(path, kind, count):
                return [self._ignore(path, kind, count)] if count else []
            case RegularFile():
                self._files += 1
                return await self._file_entries(item, stored)

    async def _file_entries(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        stamp = FileStamp.of(file.status)
        stored = [row for row in stored if not row.is_gone] or stored
        if is_cue_sheet(file.path):
            return [await self._sheet_entry(file, stamp, stored)]
        is_video = any(row.ignored == OtherKind.VIDEO.value for row in stored)
        is_known = not (
            self.options.full or (is_video and self.reader.include_video) or await self._is_cut_anew(file.path, stored)
        )
        if stored and is_known and all(_is_unchanged(row.stamp, stamp) for row in stored):
            self._changes[RETURNED if stored[0].is_gone else UNCHANGED] += 1
            return await self._stored_entries(file, stored)
        if file.status.st_size > MAX_FILE_BYTES:
            return [await self._store_ignored(file.path, stamp, TOO_LARGE)]
        is_new = all(row.is_gone for row in stored)
        if is_new and not self.options.full and (former := await self._former_location(file, stamp)):
            self._changes[RETURNED if former[0].is_gone else MOVED] += 1
            return await self._stored_entries(file, former)
        if abs(time.time_ns() - file.status.st_mtime_ns) < _RECENT_NS:
            self._recent_since = self._recent_since or time.monotonic()
            self._recent.append((file, stored))
            return []
        return await self._read_entries(file, stored)

    async def _second_look(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        """Read a file that was written to a moment ago, unless it still is."""
        await asyncio.sleep(max(0.0, self._recent_since + self.options.second_look_s - time.monotonic()))
        try:
            status = await asyncio.to_thread(os.stat, self._absolute(file.path))
        except OSError as error:
            return [self._unreadable_entry(file.path, error)]
        if FileStamp.of(status) != FileStamp.of(file.status):
            return [self._ignore(file.path, BEING_WRITTEN)]
        return await self._read_entries(file, stored)

    async def _read_entries(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        try:
            facts, status = await asyncio.to_thread(self._read, file.path)
        except OSError as error:
            return [self._unreadable_entry(file.path, error)]
        except (InternalDecoderError, DecoderUnavailable) as error:
            self._unreadable[file.path] = str(error)
            return [UnreadableEntry(self._position(), self._label(file.path), "the reader of files fails", str(error))]
        stamp = FileStamp.of(status)
        listed = FileStamp.of(file.status)
        if (stamp.size, stamp.mtime_ns) != (listed.size, listed.mtime_ns):
            return [self._ignore(file.path, BEING_WRITTEN)]
        if stored and all(row.is_gone for row in stored):
            self._changes[RETURNED] += 1
        segments = {row.segment: row for row in stored if row.segment and not row.is_gone}
        if facts is None or isinstance(facts, OtherKind):
            self._replaced += segments.values()
            return [await self._store_ignored(file.path, stamp, facts.value if facts else OTHER_FILE)]
        ignored = UNREADABLE_TAGS if facts.tags is None else None
        try:
            if parts := await self._parts(facts, file.path):
                self._replaced += [
                    row for name, row in segments.items() if name not in {part.name for part, _ in parts}
                ]
                await self._supersede_former(file.path, stamp, facts)
                return await self._cut_entries(file.path, stamp, parts)
        except CueSheetUnusable as error:
            log.warning("%s is not cut by its cue sheet: %s", self._label(file.path), error)
            ignored = UNFIT
        self._replaced += segments.values()
        location = ScannedLocation(self.library, file.path, stamp, ignored=ignored)
        entry = TrackEntry(
            self._position(),
            self._label(file.path),
            file_track(facts, file.path),
            self._offer(file.path),
            file_id(facts.sha256) if facts.sha256 else None,
            location,
            tagged=bool(facts.tags and facts.tags.title),
        )
        return [self._ignore(file.path, ignored), entry] if ignored else [entry]

    async def _parts(self, facts: FileFacts, path: bytes) -> Sequence[tuple[CueSegment, Track]]:
        """Return the tracks that a file consists of by a cue sheet beside it or in its tags; raises `CueSheetUnusable`.

        One in the tags of a track may be that of the album from which it was cut.
        """
        sheets = await self._folder_sheets(_folder_of(path))
        if cutting := sheets.cuttings.get(path.rpartition(b"/")[2]):
            self._cut.add(path)
            return cut(facts, path, cutting)
        if inner := embedded(facts.tags):
            with suppress(CueSheetUnusable):
                return cut(facts, path, inner)
        return ()

    async def _supersede_former(self, path: bytes, stamp: FileStamp, facts: FileFacts) -> None:
        """Give a whole file that is a track by its former identity a location, which its parts take over now."""
        if facts.sha256 is None:
            return
        former, whole = file_id(facts.sha256), file_id(facts.audio.digest)
        if await in_transaction(self.pool, lambda db: identities.rename(db, former, whole)):
            await locations.save(self.pool, ScannedLocation(self.library, path, stamp), whole)

    async def _cut_entries(
        self, path: bytes, stamp: FileStamp, parts: Sequence[tuple[CueSegment, Track]]
    ) -> list[Entry]:
        entries: list[Entry] = [await self._store_ignored(path, stamp, CUT)]
        for part, track in parts:
            location = ScannedLocation(self.library, path, stamp, part.name)
            label = f"{self._label(path)}, track {part.track.number}"
            if part.end_ms - part.start_ms < MIN_SECONDS * 1000:
                if self.stores_locations:
                    await locations.save(self.pool, replace(location, ignored=SHORT_TRACK), None)
                entries.append(self._ignore(path, SHORT_TRACK))
                continue
            offer = self._offer(path, part.name)
            is_titled = part.track.title is not None
            entries.append(TrackEntry(self._position(), label, track, offer, location=location, tagged=is_titled))
        return entries

    async def _sheet_entry(self, file: RegularFile, stamp: FileStamp, stored: Sequence[StoredLocation]) -> Entry:
        """Return what a cue sheet counts as; where it is new or changed, the files that it cuts are read again."""
        rows = [row for row in stored if not row.is_gone] or await self._former_location(file, stamp)
        known = next((row.ignored for row in rows if _is_unchanged(row.stamp, stamp)), None)
        if stored and known in {SHEET, UNUSABLE_SHEET} and not self.options.full:
            self._changes[UNCHANGED] += 1
            return self._ignore(file.path, known)
        folder, _, name = file.path.rpartition(b"/")
        sheets = await self._folder_sheets(folder)
        kind = sheets.kinds.get(name, OTHER_FILE)
        if known != kind:
            self._folders_of_sheets.add(folder)
            if problem := sheets.problems.get(name):
                log.warning("%s cuts no file into tracks: %s", self._label(file.path), problem)
        return await self._store_ignored(file.path, stamp, kind)

    async def _is_cut_anew(self, path: bytes, stored: Sequence[StoredLocation]) -> bool:
        """Tell whether a cue sheet that cuts a file, or did so, is new, changed or gone, as far as is known by now."""
        folder, _, name = path.rpartition(b"/")
        if folder not in self._folders_of_sheets:
            return False
        is_cut = any(row.segment for row in stored) or name in (await self._folder_sheets(folder)).cuttings
        if is_cut:
            self._cut.add(path)
        return is_cut

    async def _recut(self, folder: bytes) -> list[Entry]:
        """Read those files of a folder again that its cue sheets cut, or cut before, and that were not read yet."""
        sheets = await self._folder_sheets(folder)
        paths = {os.path.join(folder, name) for name in sheets.cuttings}  # noqa: PTH118 - bytes
        paths |= set(await locations.cut_files(self.pool, self.library, folder))
        entries: list[Entry] = []
        for path in sorted(paths - self._cut):
            try:
                status = await asyncio.to_thread(os.stat, self._absolute(path))
            except OSError:
                continue
            stored = await locations.of_path(self.pool, self.library, path)
            if stored:
                entries += await self._read_entries(RegularFile(path, status), stored)
        return entries

    async def _folder_sheets(self, folder: bytes) -> FolderSheets:
        # Files come folder by folder.
        if self._sheets is None or self._sheets[0] != folder:
            self._sheets = folder, await asyncio.to_thread(read_folder, self._absolute(folder))
        return self._sheets[1]

    async def _stored_entries(self, file: RegularFile, stored: Sequence[StoredLocation]) -> list[Entry]:
        """Return what is known of a file that was read before, at this path or another, without reading it."""
        stamp = FileStamp.of(file.status)
        entries: list[Entry] = []
        for row in stored:
            track = TrackId.from_urn(row.urn) if row.urn else None
            if (row.root, row.path, row.stamp, row.is_gone) != (self.library.root, file.path, stamp, False):
                location = ScannedLocation(self.library, file.path, stamp, row.segment, row.ignored)
                await locations.save(self.pool, location, track)
            if row.ignored and row.ignored != BLOCKED:
                entries.append(self._ignore(file.path, row.ignored))
            if track:
                entries.append(await self._known_entry(file.path, row, track))
            elif row.ignored == BLOCKED:
                entries.append(SkippedEntry(self._position(), self._label(file.path), BLOCKED))
        return entries

    async def _known_entry(self, path: bytes, row: StoredLocation, track: TrackId) -> Entry:
        position, label = self._position(), self._label(path)
        status = TrackStatus(row.state or State.PENDING, row.has_embedding, row.reason)
        if status.state is State.GONE:
            await in_transaction(self.pool, lambda db: gone_tracks.restore(db, [track.urn]))
            status = await tracks.status(self.pool, track) or status

        async def read() -> TrackEntry | SkippedEntry:
            stored = await tracks.get(self.pool, track)
            if stored is None:
                return SkippedEntry(position, label, BLOCKED)
            return TrackEntry(position, label, stored.track, self._offer(path, row.segment))

        return KnownEntry(position, label, track, status, read)

    async def _former_location(self, file: RegularFile, stamp: FileStamp) -> Sequence[StoredLocation]:
        """Return where a file of the same name lay that was moved here or back, or lies that is the same by a link."""
        same = await locations.of_inode(self.pool, stamp)
        for row in same:
            if os.path.basename(row.path) != os.path.basename(file.path):  # noqa: PTH119 - bytes
                continue
            place = [other for other in same if (other.root, other.path) == (row.root, row.path)]
            if await asyncio.to_thread(_is_gone_or_same, os.path.join(row.root, row.path), file.status):  # noqa: PTH118
                return place
        return ()

    def _read(self, path: bytes) -> tuple[FileFacts | OtherKind | None, os.stat_result]:
        with open(self._absolute(path), "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file any more")
            facts = self.reader.read(stream, path)
            return facts, os.fstat(stream.fileno())

    async def _store_ignored(self, path: bytes, stamp: FileStamp, kind: str) -> IgnoredEntry:
        if self.stores_locations:
            await locations.save(self.pool, ScannedLocation(self.library, path, stamp, ignored=kind), None)
        return self._ignore(path, kind)

    async def _conclude(self, known: int, ask: Callable[[str], bool] | None) -> ServiceError | None:
        """Store what is gone, as far as that can be right."""
        library = self.library
        if (reason := self._unreadable.get(self.subfolder.path)) is not None:
            return SourceUnavailable(f"{self.name} cannot be read ({reason}); nothing of it was removed")
        replaced = MissingLocations(library, *_places(self._replaced))
        await in_transaction(self.pool, lambda db: gone_tracks.mark(db, replaced))
        missing = [row for row in self._missing if not self._is_unreadable(row.path)]
        if not self._files and any(row.urn for row in missing):
            return SourceUnavailable(
                f"{self.name} is empty: is its disk mounted? Nothing of it was removed. To forget the folder: "
                f"soundalike library remove {shlex.quote(self.name)}"
            )
        rows = MissingLocations(library, *_places(missing))
        lost = await gone_tracks.count_lost(self.pool, rows)
        if lost > 1 and lost > _MAX_GONE_SHARE * known and not self.options.accept_gone:
            place = display_path(library.root)
            what = f"the files of {lost} tracks are gone at once from {place}, which had {known} files of music"
            if ask is None or not ask(f"{what}. Take these tracks out of search and answers?"):
                self.notice = (
                    f"{what}; nothing was removed, as a disk may not be mounted. If it is right that they are gone: "
                    f"soundalike crawl --accept-gone --folder {shlex.quote(display_path(library.root))}"
                )
                return None
        count = await in_transaction(self.pool, lambda db: gone_tracks.mark(db, rows))
        self._changes[GONE] += count
        if not self.subfolder.path:
            await libraries.mark_scanned(self.pool, library)
        return None

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

    def _is_unreadable(self, path: bytes) -> bool:
        """Tell whether a file may be there, although it was not met: it or a folder above could not be read."""
        while path and path not in self._unreadable:
            path = path.rpartition(b"/")[0]
        return path in self._unreadable

    def _unreadable_entry(self, path: bytes, error: OSError) -> UnreadableEntry:
        self._unreadable[path] = error.strerror or str(error)
        return UnreadableEntry(self._position(), self._label(path), "cannot be read", self._unreadable[path])

    def _ignore(self, path: bytes, kind: str, count: int = 1) -> IgnoredEntry:
        self._ignored += count
        return IgnoredEntry(self._label(path), kind, count)

    def _offer(self, path: bytes, segment: str = "") -> ClipOffer:
        return ClipOffer(Path(os.fsdecode(self._absolute(path))), self.encoders, segment_times(segment))

    def _position(self) -> int:
        self._positions += 1
        return self._positions - 1

    def _label(self, path: bytes) -> str:
        return display_path(path.removeprefix(self.subfolder.path).removeprefix(b"/")) or "."

    def _absolute(self, path: bytes) -> bytes:
        return os.path.join(self.library.root, path) if path else self.library.root  # noqa: PTH118


def _folder_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _places(rows: Sequence[StoredLocation]) -> tuple[list[bytes], list[str]]:
    return [row.path for row in rows], [row.segment for row in rows]


def _is_unchanged(stored: FileStamp, now: FileStamp) -> bool:
    # Some file systems, such as exFAT, number their files anew at every mount.
    return stored == replace(now, inode=stored.inode)


def _is_gone_or_same(path: bytes, status: os.stat_result) -> bool:
    """Tell whether there is nothing at a path any more, or that very file."""
    try:
        return os.path.samestat(os.stat(path), status)  # noqa: PTH116 - bytes
    except OSError:
        return True


def _open_without_waiting(path: str, flags: int) -> int:
    # A pipe that took the place of the file since it was listed would wait for a writer.
    return os.open(path, flags | os.O_NONBLOCK)
