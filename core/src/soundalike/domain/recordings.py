"""When two tracks are the same recording, so that an answer never holds it twice.

Two releases of one studio take are the same; a live take, a remix, an acoustic version or another mix is not. Where
the signs leave doubt the tracks count as different: a recording shown twice annoys, a recording hidden is lost.

They are the same where any of these holds:

- the ISRC is equal, and the titles are (files have the codes of their neighbours);
- title and artists are equal, the lengths nearly so, and the sound does not speak against it;
- the sound is nearly equal, and the length;
- the coded audio of one file is the beginning of the other's: a copy that was cut short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.title_notes import COMMON_TITLE
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


SAME_PASSAGE_COSINE: Final = 0.8
"""Files whose names are the same are other recordings where their vectors are further apart.

Of whole files the same passage is analysed. Measured with soundalike-1 on 30 pieces of 16 soundtracks: encoded again at
64 kbit/s, quieter, and cut 1.5 s later cosines are .86 to .98; of two pieces of one album at most .65, half below .16.
"""

OTHER_ALBUM_COSINE: Final = 0.9
"""The same for files of two albums, on which an intro or a theme may have the name and length of another one."""

OTHER_PASSAGE_COSINE: Final = 0.4
"""The same where a preview is among the two, which may be of another passage: these have .46 to .93 (95 %)."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordingKey:
    """What tells recordings apart: names as folded, length in milliseconds, vector float32 [d] of unit length.

    `title` is without notes on edition and guests, `versions` is what its other notes say, `artists` holds the guests.
    A vector of zeros or NaN is none. `is_file` says that it is that of a whole file. `fronts` are digests of the first
    bytes of its coded audio (see `audio.coded_audio.payload`).
    """

    isrc: str
    title: str
    versions: frozenset[VersionClass]
    artists: frozenset[str]
    album: str
    duration_ms: int | None
    vector: NDArray[np.float32]
    is_file: bool = False
    fronts: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        title: str,
        artists: Sequence[str],
        isrc: str | None,
        duration_ms: int | None,
        vector: NDArray[np.float32],
        album: str | None = None,
        is_file: bool = False,
        fronts: Sequence[int] = (),
    ) -> RecordingKey:
        """Read what the catalogue says about a track."""
        read = read_title(title)
        return cls(
            isrc=normalised_isrc(isrc) or "",
            title=read.folded,
            versions=read.versions,
            artists=fold_artists(artists) | read.guests,
            album=read_title(album).folded if album else "",
            duration_ms=duration_ms,
            vector=vector,
            is_file=is_file,
            fronts=tuple(fronts),
        )

    @property
    def has_vector(self) -> bool:
        """Whether the track was analysed."""
        return float(self.vector @ self.vector) > 0


def same_recording(one: RecordingKey, other: RecordingKey, centre: NDArray[np.float32] | None = None) -> bool:
    """Tell whether two tracks are the same recording; `centre` as for `near`, where the sound alone says so."""
    return (
        _same_code(one, other) or _same_names(one, other) or _same_sound(one, other, centre) or _same_front(one, other)
    )


def near(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    centre: NDArray[np.float32] | None = None,
    *,
    cosine: float = NEAR_COSINE,
) -> bool:
    """Tell whether two vectors [d] differ by less than `cosine` allows, as seen from `centre` [d].

    Raw vectors all point the same way (real music: cosines around 0.97), so that an angle at the origin would call
    different pieces equal. For vectors of unit length and no centre this is the cosine, by the law of cosines.
    """
    apart = one - other
    if centre is not None:
        one, other = one - centre, other - centre
    distance, spread = float(apart @ apart), math.sqrt(float(one @ one) * float(other @ other))
    return distance == 0 or distance < 2 * (1 - cosine) * spread


def _same_code(one: RecordingKey, other: RecordingKey) -> bool:
    return bool(one.isrc) and one.isrc == other.isrc and (one.title == other.title or not (one.title and other.title))


def _same_names(one: RecordingKey, other: RecordingKey) -> bool:
    if not one.title or one.title != other.title:
        return False
    lengths_known = one.duration_ms is not None and other.duration_ms is not None
    if lengths_known and not _similar_length(one, other, SAME_NAMES_DURATION_MS):
        return False
    if not same_artists(one.artists, other.artists):
        smaller, larger = sorted((one.artists, other.artists), key=len)
        if not (lengths_known and smaller and smaller < larger):
            return False
    return not _differ(one, other)


def _differ(one: RecordingKey, other: RecordingKey) -> bool:
    """Tell whether something speaks against tracks whose names are the same.

    Vectors count as they are: where nothing has centred them they are all near, and names decide. The middle of a small
    catalogue would be no help, as two encodings of one song lie on opposite sides of theirs.
    """
    other_albums = bool(one.album and other.album) and one.album != other.album
    if other_albums and COMMON_TITLE.fullmatch(one.title):
        return True
    if not (one.has_vector and other.has_vector):
        return False
    cosine = OTHER_PASSAGE_COSINE
    if one.is_file and other.is_file:
        cosine = OTHER_ALBUM_COSINE if other_albums else SAME_PASSAGE_COSINE
    return not near(one.vector, other.vector, cosine=cosine)


def _same_sound(one: RecordingKey, other: RecordingKey, centre: NDArray[np.float32] | None) -> bool:
    return (
        _similar_length(one, other, SAME_SOUND_DURATION_MS)
        and one.versions == other.versions
        and one.has_vector
        and near(one.vector, other.vector, centre)
    )


def _same_front(one: RecordingKey, other: RecordingKey) -> bool:
    if not (one.fronts and other.fronts) or (one.title != other.title and one.artists and other.artists):
        return False
    return one.fronts[-1] in other.fronts or other.fronts[-1] in one.fronts


def _similar_length(one: RecordingKey, other: RecordingKey, tolerance_ms: int) -> bool:
    if one.duration_ms is None or other.duration_ms is None:
        return False
    return abs(one.duration_ms - other.duration_ms) <= tolerance_ms


@dataclass(slots=True)
class DistinctRecordings:
    """Recordings that differ from each other, collected one by one."""

    centre: NDArray[np.float32] | None = None
    _by_isrc: dict[str, list[RecordingKey]] = field(default_factory=dict)
    _by_title: dict[str, list[RecordingKey]] = field(default_factory=dict)
    _with_fronts: list[RecordingKey] = field(default_factory=list)
    _recordings: list[RecordingKey] = field(default_factory=list)

    def add_if_distinct(self, recording: RecordingKey) -> bool:
        """Keep a recording and return True, or return False where it is the same as one that was kept."""
        if not self.is_distinct(recording):
            return False
        self.add(recording)
        return True

    def is_distinct(self, recording: RecordingKey) -> bool:
        """Tell whether a recording differs from all that were added (see `same_recording`)."""
        return not (
            any(_same_code(recording, other) for other in self._by_isrc.get(recording.isrc, ()))
            or any(_same_names(recording, other) for other in self._by_title.get(recording.title, ()))
            or any(_same_sound(recording, other, self.centre) for other in self._recordings)
            or any(_same_front(recording, other) for other in self._with_fronts)
        )

    def add(self, recording: RecordingKey) -> None:
        """Keep a recording whatever it is."""
        self._by_isrc.setdefault(recording.isrc, []).append(recording)
        self._by_title.setdefault(recording.title, []).append(recording)
        self._recordings.append(recording)
        if recording.fronts:
            self._with_fronts.append(recording)
