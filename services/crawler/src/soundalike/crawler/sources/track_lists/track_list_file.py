"""A list in a file as a source: of tracks of the catalogue, of one's own files, and of tracks of services.

What is neither in the catalogue nor a file, and has no id, is identified by Deezer.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from soundalike.crawler.entries import DeferredEntry, IgnoredEntry, KnownEntry, SkippedEntry, TrackEntry
from soundalike.crawler.previews.provider import PreviewRequest
from soundalike.crawler.sources.track_lists.file_lookup import NO_MUSIC, NOT_THERE, MissingFile, UnknownFile
from soundalike.crawler.sources.track_lists.own_tracks import UNKNOWN_TRACK, KnownTrack, MatchedRow, version_of
from soundalike.crawler.sources.track_lists.row import AmbiguousRow
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import State, Track
from soundalike.domain.playlist_id import list_urn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from soundalike.crawler.entries import Entry, PreviewOffer, ResolvedEntry
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.sources.track_lists.formats import ListFile
    from soundalike.crawler.sources.track_lists.own_tracks import OwnTracks, RowMatch
    from soundalike.crawler.sources.track_lists.resolver import Resolver
    from soundalike.crawler.sources.track_lists.row import Row, TrackRow
    from soundalike.domain.track_id import TrackId

RESOLVER_DISABLED: Final = "Deezer is needed to identify the track, and it is disabled (DEEZER_TERMS_ACCEPTED)"
MAX_LINES_OF_MISSING: Final = 20
NOT_ANALYSED: Final = "not analysed yet, and its file is not known; crawl its folder"
_LINKS: Final = {"spotify": "https://open.spotify.com/track/", "deezer": "https://www.deezer.com/track/"}


class FileSource(Protocol):
    """What reads files that a list names."""

    async def entries(self, file: UnknownFile) -> Sequence[Entry]:
        """Return what a file is that nobody has read yet."""

    async def offer(self, track: TrackId) -> PreviewOffer | None:
        """Return a clip of a track of the catalogue, None where its file is not known."""


@dataclass(slots=True)
class TrackListFile:
    """The lines of a file (see `crawler.sources.source.Source`).

    The list is known by the file's name, so that an edited file is the same list as before, and by no path. Without
    `own` only services are asked.
    """

    file: ListFile
    resolver: Resolver | None
    chain: PreviewChain
    own: OwnTracks | None = None
    files: FileSource | None = None
    total: int | None = field(default=None, init=False)
    _playlist: Playlist | None = field(default=None, init=False)
    _matched: list[MatchedRow] = field(default_factory=list, init=False)
    _missing: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.path.name

    @property
    def urn(self) -> str:
        """The list's id."""
        return list_urn(self.file.path.name)

    async def playlist(self) -> Playlist:
        """Read the file; its content, and the files that it means, are the list's version."""
        if self._playlist is None:
            listed = await asyncio.to_thread(self.file.read)
            version: str | None = listed.digest
            self._matched = [MatchedRow(row) for row in listed.rows]
            if self.own is not None:
                folder = await asyncio.to_thread(lambda: os.path.realpath(bytes(self.file.path.absolute().parent)))
                self._matched = await self.own.match(listed, folder)
                version = version_of(listed, self._matched)
            self.total = len(self._matched)
            self._playlist = Playlist(self.urn, "list", listed.title, version)
        return self._playlist

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield what stands on each line from a place on."""
        await self.playlist()
        position = 0
        for matched in self._matched:
            if position < start and not isinstance(matched.match, UnknownFile):
                position += 1
                continue
            for entry in await self._entries(position, matched.row, matched.match):
                yield entry
                position += not isinstance(entry, IgnoredEntry)
            self.total = max(self.total or 0, position)

    async def _entries(self, position: int, row: Row, match: RowMatch) -> Sequence[Entry]:
        if isinstance(row, AmbiguousRow):
            return [SkippedEntry(position, row.label or f"entry {position + 1}", row.reason)]
        if isinstance(match, KnownTrack):
            return [self._known_entry(position, row, match)]
        if isinstance(match, UnknownFile) and self.files is not None:
            return self._file_entries(position, row, await self.files.entries(match))
        return [self._unmatched_entry(position, row, match)]

    def _file_entries(self, position: int, row: TrackRow, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the entries of a file at the places of this list; a file without any is no music."""
        ignored = [entry for entry in entries if isinstance(entry, IgnoredEntry)]
        places = [entry for entry in entries if not isinstance(entry, IgnoredEntry)]
        if not places:
            return [self._missing_entry(position, row, f"{NO_MUSIC} ({', '.join(entry.kind for entry in ignored)})")]
        return [*ignored, *(replace(entry, position=place) for place, entry in enumerate(places, position))]

    def _unmatched_entry(self, position: int, row: TrackRow, match: RowMatch) -> Entry:
        if row.id is not None and row.id.source in _LINKS:
            return self._track_entry(position, row, _track(row, row.id))
        can_be_searched = bool(row.isrc or (row.title and row.artists))
        if can_be_searched and self.resolver is not None:
            return self._deferred(position, row, self.resolver)
        if isinstance(match, MissingFile):
            return self._missing_entry(position, row, match.reason)
        return SkippedEntry(position, row.label, RESOLVER_DISABLED if can_be_searched else UNKNOWN_TRACK)

    def _known_entry(self, position: int, row: TrackRow, known: KnownTrack) -> Entry:
        track = known.id
        if known.status.state is State.GONE:
            return self._missing_entry(position, row, NOT_THERE, track)

        async def read() -> ResolvedEntry:
            stored = await self.own.stored(track) if self.own is not None else None
            if stored is None:
                return SkippedEntry(position, row.label, UNKNOWN_TRACK)
            if track.source in _LINKS:
                return self._track_entry(position, row, stored)
            offer = await self.files.offer(track) if self.files is not None else None
            if offer is None:
                return SkippedEntry(position, row.label, NOT_ANALYSED, track=track)
            return TrackEntry(position, row.label, stored, offer)

        return KnownEntry(position, row.label or track.urn, track, known.status, read)

    def _missing_entry(self, position: int, row: TrackRow, reason: str, track: TrackId | None = None) -> SkippedEntry:
        """Return the entry of a file that is not there; the first of them are named in lines of their own."""
        self._missing += 1
        text = next(iter(row.files), "") or row.label
        detail = f"{reason}: {text.strip()}" if self._missing <= MAX_LINES_OF_MISSING else ""
        return SkippedEntry(position, row.label or text.strip(), reason, detail=detail, track=track)

    def _deferred(self, position: int, row: TrackRow, resolver: Resolver) -> DeferredEntry:
        async def read() -> ResolvedEntry:
            answer = await resolver.resolve(row)
            if isinstance(answer, str):
                return SkippedEntry(position, row.label, answer)
            return self._track_entry(position, row, answer.track, answer.preview_url)

        return DeferredEntry(position, row.label, read)

    def _track_entry(self, position: int, row: TrackRow, track: Track, preview_url: str | None = None) -> TrackEntry:
        return TrackEntry(
            position,
            row.label,
            track,
            self.chain.offer(PreviewRequest(track, preview_url, source_names_previews=False)),
        )


def _track(row: TrackRow, identity: TrackId) -> Track:
    return Track(
        id=identity,
        title=row.title or identity.key,
        artists=row.artists,
        artist_credit=row.artists or None,
        album=row.album,
        duration_ms=None if row.seconds is None else round(row.seconds * 1000),
        isrc=row.isrc,
        link=f"{_LINKS[identity.source]}{identity.key}",
    )
