"""Cue sheets that a scan meets: what they count as, and which files they cut now or cut before."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soundalike.crawler.errors import CueSheetUnusable
from soundalike.crawler.library.cue_albums import (
    SHEET,
    UNUSABLE_SHEET,
    FolderSheets,
    cut,
    embedded,
    is_cue_sheet,
    read_folder,
)
from soundalike.crawler.library.known_files import KnownFiles, is_unchanged
from soundalike.crawler.library.scan_record import OTHER_FILE, UNCHANGED
from soundalike.db import locations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.audio.file_tree import RegularFile
    from soundalike.crawler.entries import Entry
    from soundalike.crawler.library.cue_sheet import CueSegment
    from soundalike.crawler.library.file_reader import FileFacts
    from soundalike.crawler.library.scan_record import ScanRecord
    from soundalike.db.database import Pool
    from soundalike.db.locations import FileStamp, StoredLocation
    from soundalike.db.tracks import Track

log = logging.getLogger(__name__)


@dataclass(slots=True)
class CueChanges:
    """The folders whose cue sheets are new, changed or gone, and the files that were cut in this scan.

    A `full` scan reads every sheet again.
    """

    pool: Pool
    record: ScanRecord
    known: KnownFiles
    full: bool
    folders: set[bytes] = field(default_factory=set, init=False)
    _cut: set[bytes] = field(default_factory=set, init=False)
    _sheets: tuple[bytes, FolderSheets] | None = field(default=None, init=False)

    def add_missing(self, stored: Sequence[StoredLocation]) -> None:
        """Take note of a file that was not met, if it was a sheet."""
        self.folders |= {row.path.rpartition(b"/")[0] for row in stored if is_cue_sheet(row.path)}

    async def entry(self, file: RegularFile, stamp: FileStamp, stored: Sequence[StoredLocation]) -> Entry:
        """Return what a cue sheet counts as; where it is new or changed, the files that it cuts are read again."""
        rows = [row for row in stored if not row.is_gone] or await self.known.former_location(file, stamp)
        known = next((row.ignored for row in rows if is_unchanged(row.stamp, stamp)), None)
        if stored and known in {SHEET, UNUSABLE_SHEET} and not self.full:
            self.record.changes[UNCHANGED] += 1
            return self.record.ignored_entry(file.path, known)
        folder, _, name = file.path.rpartition(b"/")
        sheets = await self._folder_sheets(folder)
        kind = sheets.kinds.get(name, OTHER_FILE)
        if known != kind:
            self.folders.add(folder)
            if problem := sheets.problems.get(name):
                log.warning("%s cuts no file into tracks: %s", self.record.label(file.path), problem)
        return await self.record.store_ignored(file.path, stamp, kind)

    async def parts(self, facts: FileFacts, path: bytes) -> Sequence[tuple[CueSegment, Track]]:
        """Return the tracks that a file consists of by a cue sheet beside it or in its tags; raises `CueSheetUnusable`.

        One in the tags of a track may be that of the album from which it was cut.
        """
        folder, _, name = path.rpartition(b"/")
        sheets = await self._folder_sheets(folder)
        if cutting := sheets.cuttings.get(name):
            self._cut.add(path)
            return cut(facts, path, cutting)
        if inner := embedded(facts.tags):
            with suppress(CueSheetUnusable):
                return cut(facts, path, inner)
        return ()

    async def is_cut_anew(self, path: bytes, stored: Sequence[StoredLocation]) -> bool:
        """Tell whether a cue sheet that cuts a file, or did so, is new, changed or gone, as far as is known by now."""
        folder, _, name = path.rpartition(b"/")
        if folder not in self.folders:
            return False
        is_cut = any(row.segment for row in stored) or name in (await self._folder_sheets(folder)).cuttings
        if is_cut:
            self._cut.add(path)
        return is_cut

    async def rest(self, folder: bytes) -> Sequence[bytes]:
        """Return those files of a folder that its cue sheets cut, or cut before, and that were not read yet."""
        sheets = await self._folder_sheets(folder)
        paths = {os.path.join(folder, name) for name in sheets.cuttings}  # noqa: PTH118 - bytes
        paths |= set(await locations.cut_files(self.pool, self.record.library, folder))
        return sorted(paths - self._cut)

    async def _folder_sheets(self, folder: bytes) -> FolderSheets:
        # Files come folder by folder.
        if self._sheets is None or self._sheets[0] != folder:
            self._sheets = folder, await asyncio.to_thread(read_folder, self.record.absolute(folder))
        return self._sheets[1]
