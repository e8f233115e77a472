"""Files that a list names and that nobody has read yet, and the clips of those that were read but not analysed."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.crawler.entries import TrackEntry
from soundalike.crawler.library.clip_offer import ClipOffer
from soundalike.crawler.library.scan import LibraryScan
from soundalike.db import locations
from soundalike.db.libraries import Library, Subfolder
from soundalike.db.locations import segment_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.entries import Entry, PreviewOffer
    from soundalike.crawler.library.file_reader import FileReader
    from soundalike.crawler.sources.track_lists.file_lookup import UnknownFile
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId

_NO_LIBRARY = 0


@dataclass(frozen=True, slots=True)
class ListedFiles:
    """Reads files one at a time as a scan of their library would; where one lies outside of all is not stored."""

    pool: Pool
    reader: FileReader
    encoders: ClipEncoderPool

    async def entries(self, file: UnknownFile) -> Sequence[Entry]:
        """Return what a file is: its track, several where a cue sheet cuts it, or why there is none."""
        folder, name = posixpath.split(file.path)
        library = file.library or Library(_NO_LIBRARY, folder)
        path = file.path[len(library.root.rstrip(b"/")) + 1 :] if file.library else name
        scan = LibraryScan(
            self.pool, Subfolder(library), self.reader, self.encoders, stores_locations=file.library is not None
        )
        entries = await scan.file_entries(path)
        if file.library is None:
            return [replace(entry, location=None) if isinstance(entry, TrackEntry) else entry for entry in entries]
        return entries

    async def offer(self, track: TrackId) -> PreviewOffer | None:
        """Return the clip of a track that lies in a library; None for another."""
        places = (await locations.of_tracks(self.pool, [track.urn])).get(track.urn, ())
        for place in places:
            path = Path(os.fsdecode(place.absolute_path))
            return ClipOffer(path, self.encoders, segment_times(place.segment))
        return None
