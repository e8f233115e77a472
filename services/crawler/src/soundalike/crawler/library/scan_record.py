"""The record of a scan: what it has met so far, and the entries of that, numbered and called by their paths."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import IgnoredEntry, UnreadableEntry
from soundalike.crawler.library.clip_offer import ClipOffer
from soundalike.db import locations
from soundalike.db.locations import ScannedLocation, segment_times
from soundalike.domain.file_paths import display_path

if TYPE_CHECKING:
    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library, Subfolder
    from soundalike.db.locations import FileStamp

OTHER_FILE: Final = "other files"
UNREADABLE_TAGS: Final = "tags that could not be read"
BEING_WRITTEN: Final = "files that are still being written; the next scan reads them"

UNCHANGED: Final = "unchanged files, not read again"
MOVED: Final = "moved files"
RETURNED: Final = "files that are there again"
GONE: Final = "tracks whose files are gone"


@dataclass(slots=True)
class ScanRecord:
    """What a scan of a folder has met: `changes` since the last one by kind, and why which paths are `unreadable`.

    Paths are those in the library. A folder that is no library has no locations to store.
    """

    pool: Pool
    subfolder: Subfolder
    encoders: ClipEncoderPool
    stores_locations: bool
    changes: Counter[str] = field(default_factory=Counter, init=False)
    unreadable: dict[bytes, str] = field(default_factory=dict, init=False)
    _positions: int = field(default=0, init=False)
    _ignored: int = field(default=0, init=False)

    @property
    def library(self) -> Library:
        """The library that is scanned, as a whole or in part."""
        return self.subfolder.library

    @property
    def name(self) -> str:
        """The folder's path."""
        return display_path(self.absolute(self.subfolder.path))

    @property
    def total(self) -> int:
        """How many places and ignored things there were."""
        return self._positions + self._ignored

    def position(self) -> int:
        """Return the number of the next place."""
        self._positions += 1
        return self._positions - 1

    def label(self, path: bytes) -> str:
        """Return what a person is told of a path: the part below the folder."""
        return display_path(path.removeprefix(self.subfolder.path).removeprefix(b"/")) or "."

    def absolute(self, path: bytes) -> bytes:
        """Return where a path of the library is on this machine."""
        return os.path.join(self.library.root, path) if path else self.library.root  # noqa: PTH118

    def offer(self, path: bytes, segment: str = "") -> ClipOffer:
        """Return the way to the clip of a file, or of a segment of it."""
        return ClipOffer(Path(os.fsdecode(self.absolute(path))), self.encoders, segment_times(segment))

    def unreadable_entry(self, path: bytes, detail: str, reason: str = "cannot be read") -> UnreadableEntry:
        """Return the entry of what could not be read, which does not count as gone."""
        self.unreadable[path] = detail
        return UnreadableEntry(self.position(), self.label(path), reason, detail)

    def is_unreadable(self, path: bytes) -> bool:
        """Tell whether a file may be there, although it was not met: it or a folder above could not be read."""
        while path and path not in self.unreadable:
            path = path.rpartition(b"/")[0]
        return path in self.unreadable

    def ignored_entry(self, path: bytes, kind: str, count: int = 1) -> IgnoredEntry:
        """Return the entry of what is counted apart from the tracks."""
        self._ignored += count
        return IgnoredEntry(self.label(path), kind, count)

    async def store_ignored(self, path: bytes, stamp: FileStamp, kind: str) -> IgnoredEntry:
        """Store that a file is ignored, so that the next scan does not read it; returns its entry."""
        if self.stores_locations:
            await locations.save(self.pool, ScannedLocation(self.library, path, stamp, ignored=kind), None)
        return self.ignored_entry(path, kind)


def os_reason(error: OSError) -> str:
    """Return what a person is told of an error of the system."""
    return error.strerror or str(error)
