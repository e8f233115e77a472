"""When two tracks are the same recording, so that an answer never holds it twice.

Two releases of one studio take are the same; a live take, a remix, an acoustic version or another mix is not. Where
the signs leave doubt the tracks count as different: a recording shown twice annoys, a recording hidden is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.titles import fold_artists, read_title, same_artists

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from soundalike.domain.title_notes import VersionClass

NEAR_COSINE: Final = 0.9995
"""Vectors above it are near-equal: another encoding of the same audio moves a vector less than that."""

SAME_SOUND_DURATION_MS: Final = 2_000
"""How far the lengths of two releases of one recording lie apart at most, where nothing but the sound says so."""

SAME_NAMES_DURATION_MS: Final = 5_000
"""How far they lie apart at most where the names are the same; an edit without a note is further away."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordingKey:
    """What tells recordings apart: names as folded, length in milliseconds, vector float32 [d] of unit length.

    `title` is without notes on edition and guests, `versions` is what its other notes say, `artists` holds the guests.
    """

    isrc: str
    title: str
    versions: frozenset[VersionClass]
    artists: frozenset[str]
    duration_ms: int | None
    vector: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        *,
        title: str,
        artists: Sequence[str],
        isrc: str | None,
        duration_ms: int | None,
        vector: NDArray[np.float32],
    ) -> RecordingKey:
        """Read what the catalogue says about a track."""
        read = read_title(title)
        return cls(
            isrc=normalised_isrc(isrc) or "",
            title=read.folded,
            versions=read.versions,
            artists=fold_artists(artists) | read.guests,
            duration_ms=duration_ms,
            vector=vector,
        )


def near_equal(one: NDArray[np.float32], other: NDArray[np.float32], centre: NDArray[np.float32] | None = None) -> bool:
    """Tell whether two vectors [d] differ by less than `NEAR_COSINE` allows, as seen from `centre` [d].

    Raw vectors all point the same way (real music: cosines around 0.97), so that an angle at the origin would call
    different pieces equal. For vectors of unit length and no centre this is the cosine, by the law of cosines.
    """
    apart = one - other
    if centre is not None:
        one, other = one - centre, other - centre
    distance, spread = float(apart @ apart), math.sqrt(float(one @ one) * float(other @ other))
    return distance == 0 or distance < 2 * (1 - NEAR_COSINE) * spread


def _same_names(one: RecordingKey, other: RecordingKey) -> bool:
    if not one.title or one.title != other.title:
        return False
    lengths_known = one.duration_ms is not None and other.duration_ms is not None
    if lengths_known and not _similar_length(one, other, SAME_NAMES_DURATION_MS):
        return False
    if same_artists(one.artists, other.artists):
        return True
    smaller, larger = sorted((one.artists, other.artists), key=len)
    return lengths_known and bool(smaller) and smaller < larger


def _same_sound(recording: RecordingKey, others: Sequence[RecordingKey], centre: NDArray[np.float32] | None) -> bool:
    return any(
        _similar_length(recording, other, SAME_SOUND_DURATION_MS)
        and recording.versions == other.versions
        and near_equal(other.vector, recording.vector, centre)
        for other in others
    )


def _similar_length(one: RecordingKey, other: RecordingKey, tolerance_ms: int) -> bool:
    if one.duration_ms is None or other.duration_ms is None:
        return False
    return abs(one.duration_ms - other.duration_ms) <= tolerance_ms


@dataclass(slots=True)
class DistinctRecordings:
    """Recordings that differ from each other, collected one by one."""

    centre: NDArray[np.float32] | None = None
    _isrcs: set[str] = field(default_factory=set)
    _by_title: dict[str, list[RecordingKey]] = field(default_factory=dict)
    _recordings: list[RecordingKey] = field(default_factory=list)

    def add_if_distinct(self, recording: RecordingKey) -> bool:
        """Keep a recording and return True, or return False where it is the same as one that was kept."""
        if not self.is_distinct(recording):
            return False
        self.add(recording)
        return True

    def is_distinct(self, recording: RecordingKey) -> bool:
        """Tell whether a recording differs from all that were added."""
        return not (
            recording.isrc in self._isrcs
            or any(_same_names(recording, other) for other in self._by_title.get(recording.title, ()))
            or _same_sound(recording, self._recordings, self.centre)
        )

    def add(self, recording: RecordingKey) -> None:
        """Keep a recording whatever it is."""
        if recording.isrc:
            self._isrcs.add(recording.isrc)
        self._by_title.setdefault(recording.title, []).append(recording)
        self._recordings.append(recording)
