"""The whole files of all libraries with what is known of their sound, for comparing all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.db.locations import FileStamp, Location
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file of a library and what the file system said of it when it was scanned."""

    location: Location
    stamp: FileStamp


# Parts of files (cue sheets) lie in a file that has other parts.
_WHOLE_FILES = "l.urn IS NOT NULL AND l.segment = '' AND l.gone_at IS NULL"

_TRACKS = f"""
SELECT t.urn, t.title, t.artists, t.album, t.duration_ms, t.isrc, t.fronts FROM tracks t
WHERE t.state NOT IN ('forgotten', 'gone') AND t.urn IN (SELECT l.urn FROM locations l WHERE {_WHOLE_FILES})
ORDER BY t.urn
"""  # noqa: S608 - a constant of this module

_FILES = f"""
SELECT l.urn, b.root, l.path, l.size, l.mtime_ns, l.ctime_ns, l.inode FROM locations l
JOIN libraries b ON b.id = l.library WHERE {_WHOLE_FILES} ORDER BY b.root, l.path
"""  # noqa: S608 - a constant of this module


async def all_tracks(db: Executor) -> list[Track]:
    """List the tracks that are whole files, none that is forgotten or gone; links and tags are not read."""
    return [
        Track(
            id=TrackId.from_urn(row["urn"]),
            title=row["title"],
            artists=tuple(row["artists"]),
            album=row["album"],
            duration_ms=row["duration_ms"],
            isrc=row["isrc"],
            fronts=tuple(row["fronts"]),
        )
        for row in await db.fetch(_TRACKS)
    ]


async def all_files(db: Executor) -> Mapping[str, list[LibraryFile]]:
    """Return the files by the URN of the track that they are, in the order of their paths."""
    files: dict[str, list[LibraryFile]] = {}
    for row in await db.fetch(_FILES):
        stamp = FileStamp(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"])
        files.setdefault(row["urn"], []).append(LibraryFile(Location(row["root"], row["path"]), stamp))
    return files
