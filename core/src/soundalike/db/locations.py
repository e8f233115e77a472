"""Where tracks lie: the files of libraries, with what tells whether one has changed since it was read."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.db.tracks import State
from soundalike.domain.text import clean, clean_or_none

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from soundalike.db.database import Executor
    from soundalike.db.libraries import Library
    from soundalike.db.tracks import Track
    from soundalike.domain.track_id import TrackId

FORMER: Final = "former "
"""Before the URN: the segment of a location whose file was replaced by another."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the file system says of a file, each as a signed number of 64 bits: another one is another content."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Read the stamp of a file."""
        return cls(
            _signed(status.st_size), _signed(status.st_mtime_ns), _signed(status.st_ctime_ns), _signed(status.st_ino)
        )


@dataclass(frozen=True, slots=True)
class Location:
    """Where a track lies: a file below a library's root, and the segment of it where it is not the whole file.

    `gone_at` is when a complete scan first missed it.
    """

    root: bytes
    path: bytes
    segment: str = ""
    gone_at: datetime | None = None

    @property
    def absolute_path(self) -> bytes:
        """The path of the file from the root of the file system."""
        return self.root.rstrip(b"/") + b"/" + self.path


def segment_times(segment: str) -> tuple[int, int] | None:
    """Return where a segment begins and ends in its file, in milliseconds; None for the whole file."""
    start, separator, end = segment.partition("-")
    return (int(start), int(end)) if separator else None


@dataclass(frozen=True, slots=True)
class StoredLocation:
    """A location as a scan compares it: the stamp at its last reading, and the track with its state.

    `ignored` says why the file holds no track, or what of it could not be read.
    """

    root: bytes
    path: bytes
    segment: str
    urn: str | None
    ignored: str | None
    stamp: FileStamp
    is_gone: bool
    state: State | None
    reason: str | None
    has_embedding: bool


@dataclass(frozen=True, slots=True)
class ScannedLocation:
    """A location as a scan stores it."""

    library: Library
    path: bytes
    stamp: FileStamp
    segment: str = ""
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class LibraryCounts:
    """The files of a library that hold tracks, those that do not, and those that are gone."""

    files: int = 0
    ignored: int = 0
    gone: int = 0


_STORED = """
SELECT b.root, l.path, l.segment, l.urn, l.ignored, l.size, l.mtime_ns, l.ctime_ns, l.inode,
       l.gone_at IS NOT NULL AS is_gone, t.state, t.reason, EXISTS (
           SELECT FROM embeddings e JOIN models m USING (model) WHERE e.urn = l.urn AND m.current
       ) AS has_embedding
FROM locations l JOIN libraries b ON b.id = l.library LEFT JOIN tracks t USING (urn)
"""

_PAGE = f"""
{_STORED} WHERE l.library = $1 AND (l.path, l.segment) > ($2, $3) AND NOT starts_with(l.segment, '{FORMER}')
ORDER BY l.path, l.segment LIMIT $4
"""

_OF_PATH = f"""
{_STORED} WHERE l.library = $1 AND l.path = $2 AND NOT starts_with(l.segment, '{FORMER}') ORDER BY l.segment
"""

_CUT_FILES = f"""
SELECT DISTINCT path FROM locations
WHERE library = $1 AND segment <> '' AND NOT starts_with(segment, '{FORMER}') AND gone_at IS NULL
    AND substring(path FROM 1 FOR length($2::bytea)) = $2
    AND position('/'::bytea IN substring(path FROM length($2::bytea) + 1)) = 0
ORDER BY path
"""  # noqa: S608 - constants of this module

_OF_INODE = f"""
{_STORED} WHERE l.inode = $1 AND l.size = $2 AND l.mtime_ns = $3 AND NOT starts_with(l.segment, '{FORMER}')
ORDER BY l.library, l.path, l.segment
"""

# Where another track lay until now is kept as a location that is gone.
_SAVE = f"""
WITH former AS (
    INSERT INTO locations (library, path, segment, urn, size, mtime_ns, ctime_ns, inode, seen_at, gone_at)
    SELECT library, path, '{FORMER}' || urn, urn, size, mtime_ns, ctime_ns, inode, seen_at, now()
    FROM locations JOIN tracks USING (urn)
    WHERE library = $1 AND path = $2 AND segment = $3 AND urn IS DISTINCT FROM $4 AND state <> 'forgotten'
    ON CONFLICT DO NOTHING
), renamed AS (
    UPDATE track_names SET folding = 0 WHERE urn = $4 AND EXISTS (
        SELECT FROM locations WHERE library = $1 AND path = $2 AND segment = $3 AND urn = $4 AND names <> $10::jsonb
    )
)
INSERT INTO locations (library, path, segment, urn, ignored, size, mtime_ns, ctime_ns, inode, names)
VALUES ($1, $2, $3, (SELECT urn FROM tracks WHERE urn = $4), $5, $6, $7, $8, $9, coalesce($10::jsonb, (
    SELECT o.names FROM locations o WHERE o.urn = $4 AND o.inode = $9 AND o.names IS NOT NULL LIMIT 1
)))
ON CONFLICT (library, path, segment) DO UPDATE SET
    urn = EXCLUDED.urn, ignored = EXCLUDED.ignored, size = EXCLUDED.size, mtime_ns = EXCLUDED.mtime_ns,
    ctime_ns = EXCLUDED.ctime_ns, inode = EXCLUDED.inode, seen_at = now(), gone_at = NULL,
    names = coalesce(EXCLUDED.names, CASE WHEN locations.urn = EXCLUDED.urn THEN locations.names END)
"""  # noqa: S608 - constants of this module

_OF_TRACKS = f"""
SELECT l.urn, b.root, l.path, l.segment, l.gone_at FROM locations l JOIN libraries b ON b.id = l.library
WHERE l.urn = ANY($1) AND NOT starts_with(l.segment, '{FORMER}') AND ($2 OR l.gone_at IS NULL)
ORDER BY l.urn, l.gone_at NULLS FIRST, b.root, l.path, l.segment
"""  # noqa: S608 - constants of this module

_IS_NEWEST = """
SELECT NOT EXISTS (SELECT FROM locations WHERE urn = $1 AND mtime_ns > $2 AND gone_at IS NULL)
"""

_COUNTS = f"""
SELECT library, count(*) FILTER (WHERE urn IS NOT NULL AND gone_at IS NULL) AS files,
    count(*) FILTER (WHERE urn IS NULL) AS ignored, count(*) FILTER (WHERE gone_at IS NOT NULL) AS gone
FROM locations WHERE NOT starts_with(segment, '{FORMER}') GROUP BY library
"""  # noqa: S608 - constants of this module


async def page(
    db: Executor, library: Library, *, after: tuple[bytes, str] = (b"", ""), limit: int
) -> list[StoredLocation]:
    """Return up to `limit` locations of a library in the order of their paths' bytes, then segments, after one."""
    return [_read(row) for row in await db.fetch(_PAGE, library.id, *after, limit)]


async def of_path(db: Executor, library: Library, path: bytes) -> list[StoredLocation]:
    """Return the locations of one file of a library."""
    return [_read(row) for row in await db.fetch(_OF_PATH, library.id, path)]


async def cut_files(db: Executor, library: Library, folder: bytes) -> list[bytes]:
    """Return the paths of the files in a folder itself that are cut into segments; empty for the library's root."""
    prefix = folder + b"/" if folder else b""
    return [row["path"] for row in await db.fetch(_CUT_FILES, library.id, prefix)]


async def of_inode(db: Executor, stamp: FileStamp) -> list[StoredLocation]:
    """Return the locations, in any library, of a file with the same inode, size and time of modification."""
    return [_read(row) for row in await db.fetch(_OF_INODE, stamp.inode, stamp.size, stamp.mtime_ns)]


async def save(db: Executor, location: ScannedLocation, track: TrackId | None, *, names: Track | None = None) -> None:
    """Store that a track lies somewhere, or with None that nothing but what is ignored does.

    `names` are what the tags there say: a copy may have others than the track, and is found by them (`db.search`).
    """
    stamp = location.stamp
    await db.execute(
        _SAVE,
        location.library.id,
        location.path,
        location.segment,
        track.urn if track else None,
        location.ignored,
        stamp.size,
        stamp.mtime_ns,
        stamp.ctime_ns,
        stamp.inode,
        None if names is None else names_document(names),
    )


async def of_tracks(db: Executor, urns: Sequence[str], *, with_gone: bool = False) -> Mapping[str, Sequence[Location]]:
    """Return where the tracks among `urns` lie that lie anywhere, by URN; `with_gone`: also where they lay."""
    places: dict[str, list[Location]] = defaultdict(list)
    for row in await db.fetch(_OF_TRACKS, list(urns), with_gone):
        places[row["urn"]].append(Location(row["root"], row["path"], row["segment"], row["gone_at"]))
    return dict(places)


async def is_newest(db: Executor, location: ScannedLocation, track: TrackId) -> bool:
    """Tell whether no other file of a track was modified after the one at a location."""
    return bool(await db.fetchval(_IS_NEWEST, track.urn, location.stamp.mtime_ns))


async def counts(db: Executor) -> Mapping[int, LibraryCounts]:
    """Count the locations of every library that has any, by the library's id."""
    return {row["library"]: LibraryCounts(row["files"], row["ignored"], row["gone"]) for row in await db.fetch(_COUNTS)}


def names_document(track: Track) -> str:
    """Return the names of a track as they are stored with a location."""
    return json.dumps(
        {
            "title": clean(track.title),
            "artists": [clean(artist) for artist in track.artists],
            "album": clean_or_none(track.album),
        }
    )


def _read(row: asyncpg.Record) -> StoredLocation:
    return StoredLocation(
        root=row["root"],
        path=row["path"],
        segment=row["segment"],
        urn=row["urn"],
        ignored=row["ignored"],
        stamp=FileStamp(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"]),
        is_gone=row["is_gone"],
        state=State(row["state"]) if row["state"] else None,
        reason=row["reason"],
        has_embedding=row["has_embedding"],
    )


def _signed(number: int) -> int:
    """Return a number of 64 bits as PostgreSQL stores it; some file systems count inodes beyond the largest."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
