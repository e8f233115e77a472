"""A folder of whole tracks with a `tracks.csv`, and its division by albums."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.research.training.errors import InvalidTrainingCorpus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MIN_ALBUMS: Final = 4
_COLUMNS: Final = {"path", "album", "sha256"}


@dataclass(frozen=True, slots=True)
class TrainingTrack:
    """One recording: the path below the corpus folder, and its album, which is never divided."""

    path: str
    album: str


def read_tracks(folder: Path) -> list[TrainingTrack]:
    """Read `tracks.csv` (columns path, album, sha256), each content once; raises `InvalidTrainingCorpus`."""
    table = folder / "tracks.csv"
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidTrainingCorpus(
            f"{table} cannot be read ({error}); it lists path, album and sha256 of each track"
        ) from error
    if not rows or not set(rows[0]) >= _COLUMNS:
        raise InvalidTrainingCorpus(f"{table} needs the columns {', '.join(sorted(_COLUMNS))} and a row for each track")
    # The same recording in two albums would sit on both sides of a division.
    first_of = {row["sha256"]: TrainingTrack(row["path"], row["album"]) for row in reversed(rows)}
    tracks = sorted(first_of.values(), key=lambda track: track.path)
    if len({track.album for track in tracks}) < MIN_ALBUMS:
        raise InvalidTrainingCorpus(
            f"{table} has fewer than {MIN_ALBUMS} albums: none could be held out for evaluation"
        )
    return tracks


def divide(albums: Sequence[str], parts: int, seed: int) -> NDArray[np.int64]:
    """Return the part of each track, int64 [n], so that no album is in two and all parts have about as many tracks.

    Albums are shuffled by `seed`, then the largest go first, each to the smallest part.
    """
    names, counts = np.unique(np.asarray(albums), return_counts=True)
    if len(names) < parts:
        raise ValueError(f"{len(names)} albums cannot be divided into {parts} parts")
    order = np.random.default_rng(seed).permutation(len(names))
    sizes = np.zeros(parts, dtype=np.int64)
    part_of: dict[str, int] = {}
    for index in sorted(order, key=lambda index: -counts[index]):
        part = int(sizes.argmin())
        sizes[part] += counts[index]
        part_of[str(names[index])] = part
    return np.array([part_of[album] for album in albums], dtype=np.int64)
