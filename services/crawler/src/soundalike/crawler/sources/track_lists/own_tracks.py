"""What the catalogue and one's own disk know of the rows of a list; no service is asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from soundalike.crawler.sources.track_lists.file_address import FileAddress
from soundalike.crawler.sources.track_lists.file_lookup import FileLookup, MissingFile, TracksOfFile, UnknownFile
from soundalike.crawler.sources.track_lists.row import TrackRow
from soundalike.db import releases, track_references, tracks
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.crawler.sources.track_lists.formats import TrackList
    from soundalike.crawler.sources.track_lists.row import Row
    from soundalike.db.database import Pool
    from soundalike.db.tracks import Track, TrackStatus
    from soundalike.domain.file_paths import PathPrefix

UNKNOWN_TRACK: Final = "not in the catalogue"
_CHUNK: Final = 20_000
_MAX_DIFFERENCE_MS: Final = 2_000
"""Of lengths, which lists have in whole seconds."""


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """A track that is in the catalogue."""

    id: TrackId
    status: TrackStatus


RowMatch: TypeAlias = KnownTrack | UnknownFile | MissingFile | None
"""What a row means; None where that is for a service to say."""


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A row with what it means; the row of a file that a cue sheet cuts comes once for each track."""

    row: Row
    match: RowMatch = None


@dataclass(frozen=True, slots=True)
class OwnTracks:
    """Finds the tracks of the catalogue, and files; `prefix` is that of the machine where a list was written."""

    pool: Pool
    prefix: PathPrefix | None = None

    async def match(self, listed: TrackList, folder: bytes) -> list[MatchedRow]:
        """Return the rows of a list that lies in a folder, with what they mean; raises `DatabaseUnavailable`.

        An id goes before a file: whoever wrote both knew the track, and the file may have been moved since.
        """
        rows = listed.rows
        named = await self._named(rows)
        statuses = await self._statuses(await self._described(list({track.urn for track in named.values()})))
        files = {
            number: FileAddress.read(row.files, folder, self.prefix, encoding=listed.encoding)
            for number, row in enumerate(rows)
            if isinstance(row, TrackRow) and row.files and not (number in named and named[number].urn in statuses)
        }
        matches = dict(zip(files, await FileLookup(self.pool, folder).match(list(files.values())), strict=True))
        matches |= await self._by_name(
            {
                number: row
                for number, row in enumerate(rows)
                if isinstance(row, TrackRow)
                and (
                    isinstance(matches.get(number), MissingFile)
                    or (number in named and named[number].source == "file" and named[number].urn not in statuses)
                )
            }
        )
        statuses |= await self._statuses(
            list({urn for match in matches.values() if isinstance(match, TracksOfFile) for urn in match.urns})
        )
        return [
            matched
            for number, row in enumerate(rows)
            for matched in _matched(row, named.get(number), matches.get(number), statuses)
        ]

    async def _named(self, rows: Sequence[Row]) -> Mapping[int, TrackId]:
        """Return the tracks that rows name by an id, or by an address that the catalogue knows."""
        links = {number: row.link for number, row in enumerate(rows) if isinstance(row, TrackRow) and row.link}
        urns = await track_references.urns_of_permalinks(self.pool, list(links.values())) if links else {}
        named = {number: TrackId.from_urn(urns[link]) for number, link in links.items() if link in urns}
        return named | {number: row.id for number, row in enumerate(rows) if isinstance(row, TrackRow) and row.id}

    async def _by_name(self, rows: Mapping[int, TrackRow]) -> Mapping[int, TracksOfFile]:
        """Return the files that rows mean whose id or path is not known any more, by name and length.

        A file that was encoded again has another id, and so has every file of which an older version of us told.
        """
        matches: dict[int, TracksOfFile] = {}
        for number, row in rows.items():
            length_ms = None if row.seconds is None else 1000 * row.seconds
            if not row.title or not row.artists or length_ms is None:
                continue
            same = [
                stored.track.id.urn
                for stored in await releases.by_name(self.pool, row.title, ", ".join(row.artists))
                if stored.track.id.source == "file"
                and stored.state is not State.GONE
                and abs((stored.track.duration_ms or 0) - length_ms) <= _MAX_DIFFERENCE_MS
            ]
            if len(same) == 1:
                matches[number] = TracksOfFile((same[0],))
        return matches

    async def stored(self, track: TrackId) -> Track | None:
        """Return what the catalogue says of a track."""
        stored = await tracks.get(self.pool, track)
        return stored.track if stored else None

    async def _described(self, urns: Sequence[str]) -> list[str]:
        """Return the tracks whose names are known: of one that was only requested the list says more."""
        described: list[str] = []
        for start in range(0, len(urns), _CHUNK):
            stored = await tracks.get_many(self.pool, urns[start : start + _CHUNK])
            described += [urn for urn, each in stored.items() if each.track.title or each.state is State.FORGOTTEN]
        return described

    async def _statuses(self, urns: Sequence[str]) -> dict[str, TrackStatus]:
        statuses: dict[str, TrackStatus] = {}
        for start in range(0, len(urns), _CHUNK):
            statuses |= await tracks.statuses(self.pool, urns[start : start + _CHUNK])
        return statuses


def version_of(listed: TrackList, matched: Sequence[MatchedRow]) -> str | None:
    """Return what changes with a list and with what it means, None while a file of it is missing or unknown.

    Such a list is read again whenever it is crawled: the file may have come, or be another one.
    """
    digest = hashlib.sha256(listed.digest.encode())
    for each in matched:
        match each.match:
            case MissingFile() | UnknownFile():
                return None
            case KnownTrack(track):
                digest.update(track.urn.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _matched(
    row: Row,
    named: TrackId | None,
    match: TracksOfFile | UnknownFile | MissingFile | None,
    statuses: Mapping[str, TrackStatus],
) -> list[MatchedRow]:
    if named is not None and (status := statuses.get(named.urn)) is not None:
        return [MatchedRow(row, KnownTrack(named, status))]
    if isinstance(match, TracksOfFile):
        return [
            MatchedRow(row, KnownTrack(TrackId.from_urn(urn), statuses[urn])) for urn in match.urns if urn in statuses
        ]
    if named is not None and named.source in {"file", "soundcloud"} and match is None:
        return [MatchedRow(row, MissingFile(UNKNOWN_TRACK))]
    return [MatchedRow(row, match)]
