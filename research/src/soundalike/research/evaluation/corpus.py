"""A folder of music and its `tracks.csv`."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.extractor import batch
from soundalike.research.evaluation.errors import InvalidCorpus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

TABLE: Final = "tracks.csv"
MIN_RELEVANT: Final = 3
"""Tracks of an album (or artist) that make each of them a query."""

_REQUIRED: Final = ("path", "album")
_NO_ARTIST: Final = frozenset({"", "unknown", "<unknown>", "unknown artist", "various", "various artists"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the folder lists it: `path` below the folder; empty texts are not known.

    `collection` names music that systems may have learnt from (see `training_overlap`).
    """

    path: str
    album: str
    artist: str = ""
    title: str = ""
    collection: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """A file that exists, with the checksum of its content."""

    entry: Entry
    sha256: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not evaluated, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of n tracks: `albums` int64 [n], `artists` int64 [n] (-1: not known), `tie_order` int64 [n].

    A track without an album is an album of its own. `tie_order` sorts by checksum, which is independent of the music.
    """

    albums: NDArray[np.int64]
    artists: NDArray[np.int64]
    tie_order: NDArray[np.int64]


def read(folder: Path) -> list[Entry]:
    """List a folder by its `tracks.csv` (columns path and album, more if known), else its audio files by folders.

    Without `tracks.csv` the folder that a file lies in is its album; a file beside those folders has none.
    Raises `InvalidCorpus`.
    """
    if not folder.is_dir():
        raise InvalidCorpus(f"{folder} is not a folder")
    table = folder / TABLE
    entries = _read_table(table) if table.is_file() else _walk(folder)
    if not entries:
        raise InvalidCorpus(f"{table} lists no music" if table.is_file() else f"{folder} holds no audio files")
    repeated = [path for path, count in Counter(entry.path for entry in entries).items() if count > 1]
    if repeated:
        raise InvalidCorpus(f"{table} lists {repeated[0]} more than once")
    return entries


def identify(folder: Path, entries: Iterable[Entry]) -> tuple[list[Track], list[Skipped]]:
    """Checksum every file; of files with the same content the first by path is used."""
    first_of: dict[str, str] = {}
    tracks: list[Track] = []
    skipped: list[Skipped] = []
    for entry in sorted(entries, key=lambda entry: entry.path):
        try:
            with (folder / entry.path).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            skipped.append(Skipped(entry.path, f"it cannot be read: {error.strerror}"))
            continue
        if sha256 in first_of:
            skipped.append(Skipped(entry.path, f"it has the same content as {first_of[sha256]}"))
            continue
        first_of[sha256] = entry.path
        tracks.append(Track(entry, sha256))
    return tracks, skipped


def label(tracks: Sequence[Track]) -> Labels:
    """Give albums and artists numbers."""
    albums: dict[tuple[str, str], int] = {}
    artists: dict[str, int] = {}
    album_of, artist_of = [], []
    for track in tracks:
        entry = track.entry
        key = ("album", entry.album) if entry.album else ("track", entry.path)
        album_of.append(albums.setdefault(key, len(albums)))
        artist = entry.artist.strip().casefold()
        artist_of.append(-1 if artist in _NO_ARTIST else artists.setdefault(artist, len(artists)))
    checksums = np.array([track.sha256 for track in tracks])
    return Labels(
        albums=np.array(album_of, dtype=np.int64),
        artists=np.array(artist_of, dtype=np.int64),
        tie_order=np.argsort(checksums, kind="stable").astype(np.int64),
    )


def is_query(names: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which tracks are queries, bool [n]: those with at least three of their album (or artist); -1 is unknown."""
    values, position, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray((counts >= MIN_RELEVANT)[position] & (values >= 0)[position])


def _read_table(table: Path) -> list[Entry]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidCorpus(f"{table} cannot be read as UTF-8 CSV: {error}") from error
    if rows and (missing := [name for name in _REQUIRED if name not in rows[0]]):
        raise InvalidCorpus(f"{table} lacks the column {' and '.join(missing)}; it needs {' and '.join(_REQUIRED)}")
    return [_entry(row, f"line {number} of {table}") for number, row in enumerate(rows, start=2)]


def _entry(row: dict[str, str], where: str) -> Entry:
    path = PurePosixPath(row["path"])
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise InvalidCorpus(f"{where}: path must name a file below the folder, not {row['path']!r}")
    artist, title, collection = (row.get(name, "").strip() for name in ("artist", "title", "collection"))
    return Entry(str(path), row["album"].strip(), artist, title, collection)


def _walk(folder: Path) -> list[Entry]:
    entries = []
    for file in batch.find_audio_files([folder]):
        below = file.relative_to(folder)
        album = below.parent.as_posix()
        entries.append(Entry(below.as_posix(), "" if album == "." else album))
    return entries
