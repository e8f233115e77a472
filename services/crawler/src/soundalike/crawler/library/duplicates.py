"""Files of one's libraries that are the same recording: copies, other encodings, and copies that were cut short."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.db import embeddings, library_files, models
from soundalike.domain.recordings import (
    NEAR_COSINE,
    SAME_NAMES_DURATION_MS,
    SAME_SOUND_DURATION_MS,
    RecordingKey,
    same_recording,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.db.database import Pool
    from soundalike.db.library_files import LibraryFile
    from soundalike.db.tracks import Track

_BLOCK: Final = 1024
_MIN_VECTORS_FOR_CENTRE: Final = 50
_ROUNDING: Final = 1e-3


class Relation(StrEnum):
    """What a file is beside the first one of its group."""

    FIRST = "first"
    LINK = "link"
    """The very same file, by a hard link."""
    SAME_SOUND = "same sound"
    """The same coded audio, whatever the tags."""
    OTHER_ENCODING = "other encoding"
    CUT_SHORT = "cut short"
    """A beginning of the first, such as a copy that was broken off."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A file with the track that it is."""

    track: Track
    file: LibraryFile
    relation: Relation


async def groups(pool: Pool) -> list[list[Duplicate]]:
    """Return the groups of two or more files that are one recording, the longest and largest file of each first."""
    tracks = await library_files.all_tracks(pool)
    files = await library_files.all_files(pool)
    model = await models.current(pool)
    vectors = await embeddings.vectors_of(pool, [track.id.urn for track in tracks], model.model) if model else {}
    recordings = _Recordings(tracks, vectors)
    result = [_group([tracks[number] for number in numbers], files) for numbers in recordings.clusters()]
    return sorted((group for group in result if len(group) > 1), key=_order)


class _Recordings:
    """Which tracks are the same recording. Only pairs that have something in common are compared."""

    def __init__(self, tracks: Sequence[Track], vectors: Mapping[str, NDArray[np.float32]]) -> None:
        # The middle of a few vectors says nothing of music: two encodings of one song lie on opposite sides of theirs.
        if len(vectors) >= _MIN_VECTORS_FOR_CENTRE:
            centre = np.mean(list(vectors.values()), axis=0, dtype=np.float64).astype(np.float32)
            vectors = {urn: vector - centre for urn, vector in vectors.items()}
        no_vector = np.zeros_like(next(iter(vectors.values()), np.zeros(0, np.float32)))
        self._keys = [
            RecordingKey.of(
                title=track.title,
                artists=track.artists,
                isrc=track.isrc,
                duration_ms=track.duration_ms,
                vector=vectors.get(track.id.urn, no_vector),
                album=track.album,
                is_file=True,
                fronts=track.fronts,
            )
            for track in tracks
        ]

    def clusters(self) -> list[list[int]]:
        """Return the numbers of the tracks, those of one recording together."""
        parents = list(range(len(self._keys)))

        def root(number: int) -> int:
            while parents[number] != number:
                parents[number] = number = parents[parents[number]]
            return number

        for one, other in self._pairs():
            first, second = root(one), root(other)
            if first != second and same_recording(self._keys[one], self._keys[other]):
                parents[second] = first
        clusters: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self._keys)):
            clusters[root(number)].append(number)
        return list(clusters.values())

    def _pairs(self) -> Iterator[tuple[int, int]]:
        by_isrc: dict[str, list[int]] = defaultdict(list)
        by_name: dict[tuple[str, object], list[int]] = defaultdict(list)
        by_last_front: dict[int, list[int]] = defaultdict(list)
        for number, key in enumerate(self._keys):
            if key.isrc:
                by_isrc[key.isrc].append(number)
            words = tuple(sorted(word for name in key.artists for word in name.split() if word != "and"))
            for artists in {words, *key.artists} if key.title and key.artists else ():
                by_name[key.title, artists].append(number)
            if key.fronts:
                by_last_front[key.fronts[-1]].append(number)
        for numbers in by_isrc.values():
            yield from itertools.combinations(numbers, 2)
        for numbers in by_name.values():
            yield from self._pairs_of_near_length(numbers)
        for number, key in enumerate(self._keys):
            for front in key.fronts:
                yield from ((number, half) for half in by_last_front.get(front, ()) if half != number)
        yield from self._near_pairs()

    def _pairs_of_near_length(self, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        known = sorted((length, number) for number in numbers if (length := self._keys[number].duration_ms) is not None)
        for place, (length, number) in enumerate(known):
            for other_length, other in itertools.islice(known, place + 1, None):
                if other_length > length + SAME_NAMES_DURATION_MS:
                    break
                yield number, other
        unknown = [number for number in numbers if self._keys[number].duration_ms is None]
        yield from itertools.combinations(unknown, 2)
        yield from itertools.product(unknown, [number for _, number in known])

    def _near_pairs(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of nearly equal sound and length, by the cosines of all whose lengths are near."""
        numbers = sorted(
            (number for number, key in enumerate(self._keys) if key.has_vector and key.duration_ms is not None),
            key=lambda number: self._keys[number].duration_ms or 0,
        )
        if not numbers:
            return
        lengths = np.array([self._keys[number].duration_ms for number in numbers])
        vectors = np.stack([self._keys[number].vector for number in numbers])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for start in range(0, len(numbers), _BLOCK):
            stop = min(start + _BLOCK, len(numbers))
            end = int(np.searchsorted(lengths, lengths[stop - 1] + SAME_SOUND_DURATION_MS, side="right"))
            for column in range(start, end, _BLOCK):
                cosines = vectors[start:stop] @ vectors[column : min(column + _BLOCK, end)].T
                for row, other in np.argwhere(cosines > NEAR_COSINE - _ROUNDING).tolist():
                    if start + row < column + other:
                        yield numbers[start + row], numbers[column + other]


def _group(tracks: Sequence[Track], files: Mapping[str, list[LibraryFile]]) -> list[Duplicate]:
    ordered = sorted(
        ((track, file) for track in tracks for file in files.get(track.id.urn, ())),
        key=lambda pair: (-(pair[0].duration_ms or 0), -pair[1].stamp.size, pair[1].location.absolute_path),
    )
    # The whole of a copy that was cut short has more of its beginnings, whatever the length of either.
    ordered.sort(key=lambda pair: any(_is_cut_short(pair[0], other) for other in tracks))
    group: list[Duplicate] = []
    for track, file in ordered:
        group.append(Duplicate(track, file, _relation(track, file, group)))
    return group


def _relation(track: Track, file: LibraryFile, group: Sequence[Duplicate]) -> Relation:
    if not group:
        return Relation.FIRST
    if any(other.track.id == track.id and other.file.stamp == file.stamp for other in group):
        return Relation.LINK
    if any(_is_cut_short(track, other.track) for other in group):
        return Relation.CUT_SHORT
    if any(other.track.id == track.id for other in group):
        return Relation.SAME_SOUND
    return Relation.OTHER_ENCODING


def _is_cut_short(track: Track, other: Track) -> bool:
    return (
        track.id != other.id
        and bool(track.fronts)
        and track.fronts[-1] in other.fronts
        and (track.duration_ms or 0) < (other.duration_ms or 0)
    )


def _order(group: Sequence[Duplicate]) -> tuple[str, str, bytes]:
    first = group[0]
    return (" ".join(first.track.artists).casefold(), first.track.title.casefold(), first.file.location.absolute_path)


def wasted_bytes(duplicates: Iterable[Sequence[Duplicate]]) -> int:
    """Return how much room all but the first of each group take; a link takes none."""
    return sum(each.file.stamp.size for group in duplicates for each in group[1:] if each.relation is not Relation.LINK)
