"""What a recommendation starts from: tracks, a user's favourites or an uploaded recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from soundalike.api.recommendation_query import By

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.api.snapshot import Snapshot
    from soundalike.similarity.taste.version import TasteVersion


@dataclass(frozen=True, slots=True, eq=False)
class SoundSeeds:
    """Projected vectors [s, d] to compare candidates with, and the tracks [s] they belong to (none for an upload)."""

    urns: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TasteSeeds:
    """Tracks that a taste version knows; `weight` (0 to 1) is that of taste beside the sound."""

    urns: tuple[str, ...]
    version: TasteVersion
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class TrackSeeds:
    """Tracks that a request names, or some of a playlist; the answer shows `tracks` (URNs)."""

    tracks: tuple[str, ...]
    sound: SoundSeeds
    taste: TasteSeeds | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FavoriteSeeds:
    """What a user favourites; the answer shows none of it."""

    sound: SoundSeeds
    taste: TasteSeeds | None
    tracks: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class UploadSeed:
    """A recording that is no track of the catalogue; `tag_probabilities` [50] is None for a model without tags."""

    sound: SoundSeeds
    tag_probabilities: Sequence[float] | None
    taste: ClassVar[None] = None
    tracks: ClassVar[tuple[str, ...]] = ()


Seeds: TypeAlias = TrackSeeds | FavoriteSeeds | UploadSeed


def upload_seed(
    snapshot: Snapshot, vector: NDArray[np.float32], tag_probabilities: Sequence[float] | None
) -> UploadSeed:
    """Return the seed for a raw vector [D]."""
    return UploadSeed(SoundSeeds((), snapshot.project(vector[np.newaxis])), tag_probabilities)


def favorite_seeds(
    snapshot: Snapshot,
    favorites: Sequence[str],
    query: RecommendationQuery,
    taste: TasteVersion | None,
    *,
    max_vectors: int,
) -> FavoriteSeeds | None:
    """Return what the requested signals know of somebody's favourites (URNs), None where that is nothing.

    The sound of at most `max_vectors` of them is compared, evenly spaced.
    """
    sound = indexed_sound(snapshot, favorites if query.by is not By.TASTE else (), max_vectors)
    taste_seeds = known_taste(favorites, query, taste, has_sound=bool(sound.urns))
    return FavoriteSeeds(sound, taste_seeds) if sound.urns or taste_seeds else None


def indexed_sound(snapshot: Snapshot, urns: Sequence[str], max_vectors: int) -> SoundSeeds:
    """Return the vectors in the snapshot of at most `max_vectors` tracks, evenly spaced."""
    vectors = snapshot.vectors(urns)
    rows = np.flatnonzero(~np.isnan(vectors[:, 0]))
    count = min(max_vectors, len(rows))
    rows = rows[np.arange(count) * len(rows) // max(1, count)]
    return SoundSeeds(tuple(urns[row] for row in rows.tolist()), vectors[rows])


def known_taste(
    urns: Sequence[str], query: RecommendationQuery, taste: TasteVersion | None, *, has_sound: bool
) -> TasteSeeds | None:
    """Return what the taste version knows of tracks, None where taste is not requested or it knows none of them."""
    known = taste.with_neighbours(urns) if taste is not None and query.by is not By.SOUND else ()
    if taste is None or not known:
        return None
    return TasteSeeds(known, taste, query.blend if has_sound else 1.0)
