"""Who comes nearest to what is asked about: searched in the snapshot, scored exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.errors import NoTasteData, NotInSpace
from soundalike.api.recommendation_query import By
from soundalike.similarity.calibration import standardised_similarity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.recommendation_query import RecommendationQuery, TrackFilter
    from soundalike.api.snapshot import Snapshot
    from soundalike.similarity.calibration import CalibratedVectors, Calibration
    from soundalike.similarity.taste.version import TasteVersion

_MIN_WIDTH: Final = 20
_MIN_ODDS: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked about: the projected vectors [s, d] of tracks `urns` [s], or of one recording that is no track.

    `said` [50] are the tag probabilities of the recording, where the model says any. `seeds` are the tracks that are
    to be shown, those without a vector among them. `tasted` are asked about in `taste`, whose weight is `blend`.
    """

    urns: tuple[str, ...]
    vectors: NDArray[np.float32]
    said: Sequence[float] | None = None
    seeds: tuple[str, ...] = ()
    tasted: tuple[str, ...] = ()
    taste: TasteVersion | None = None
    blend: float = 0.0

    @classmethod
    def tracks(cls, snapshot: Snapshot, urns: Sequence[str], raw: Mapping[str, NDArray[np.float32]]) -> Asked:
        """Find the vectors of tracks; `raw` are raw ones [D] to be used where the snapshot has none.

        Raises `NotInSpace` naming the tracks that have no vector.
        """
        vectors = snapshot.vectors(urns)
        missing = [urn for urn, vector in zip(urns, vectors, strict=True) if np.isnan(vector[0])]
        if unknown := [urn for urn in missing if urn not in raw]:
            raise NotInSpace(unknown)
        for urn in missing:
            vectors[urns.index(urn)] = snapshot.project(raw[urn][np.newaxis])[0]
        return cls(tuple(urns), vectors, seeds=tuple(urns))

    @classmethod
    def signals(
        cls,
        snapshot: Snapshot,
        urns: Sequence[str],
        raw: Mapping[str, NDArray[np.float32]],
        taste: TasteVersion | None,
        wishes: RecommendationQuery,
    ) -> Asked:
        """Find what the signals that are wished for know of tracks.

        Raises `NotInSpace` where only the sound is asked for and one has none, or where nothing is known of any, and
        `NoTasteData` where only taste is asked for.
        """
        tasted = taste.with_neighbours(urns) if taste is not None and wishes.by is not By.SOUND else ()
        if wishes.by is By.SOUND or (wishes.by is By.BOTH and not tasted):
            return cls.tracks(snapshot, urns, raw)
        if not tasted:
            raise NoTasteData
        heard = cls._heard(snapshot, urns if wishes.by is By.BOTH else (), len(urns))
        blend = wishes.blend if heard.urns else 1.0
        return replace(heard, seeds=tuple(urns), tasted=tasted, taste=taste, blend=blend)

    @classmethod
    def favorites(
        cls,
        snapshot: Snapshot,
        urns: Sequence[str],
        taste: TasteVersion | None,
        wishes: RecommendationQuery,
        *,
        most: int,
    ) -> Asked:
        """Find what the signals that are wished for know of somebody's favourites; `most` of them are heard.

        Raises `NoTasteData` where nothing is known of any.
        """
        tasted = taste.with_neighbours(urns) if taste is not None and wishes.by is not By.SOUND else ()
        heard = cls._heard(snapshot, urns if wishes.by is not By.TASTE else (), most)
        if not tasted and not heard.urns:
            raise NoTasteData
        if not tasted:
            return heard
        return replace(heard, tasted=tasted, taste=taste, blend=wishes.blend if heard.urns else 1.0)

    @classmethod
    def _heard(cls, snapshot: Snapshot, urns: Sequence[str], most: int) -> Asked:
        """Find the vectors that there are, of at most `most` tracks, evenly spaced."""
        vectors = snapshot.vectors(urns)
        rows = np.flatnonzero(~np.isnan(vectors[:, 0]))
        rows = rows[np.arange(min(most, len(rows))) * len(rows) // max(1, min(most, len(rows)))]
        return cls(tuple(urns[row] for row in rows.tolist()), vectors[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The candidates `urns` [n], best first, their projected vectors `placed` [n] and scores [n] between 0 and 1.

    `nearest` [n] is the number of the vector asked about that each is most like. `is_exhausted` tells that those which
    were found but not admitted are so many that further ones would not be either. `sound` and `taste` [n] are what
    either signal alone says, NaN where it says nothing.
    """

    urns: tuple[str, ...]
    placed: CalibratedVectors
    scores: NDArray[np.float64]
    nearest: NDArray[np.int64]
    is_exhausted: bool
    sound: NDArray[np.float64]
    taste: NDArray[np.float64]


def rank(
    snapshot: Snapshot, calibration: Calibration, asked: Asked, track_filter: TrackFilter, *, k: int, min_score: float
) -> Ranking:
    """Return about `k` candidates, without the tracks that are asked about, and without those below `min_score`.

    With several vectors the odds are averaged: they are then the odds that a track is like one of them, whichever.
    The odds of taste are the lift. Those of both are their geometric mean, weighted by `asked.blend`; a signal that
    says nothing of a candidate speaks neither for nor against it, which are odds of one.
    """
    found = dict.fromkeys(_nearest_urns(snapshot, asked, k))
    lifts = (
        asked.taste.similar_tracks(asked.tasted, k, without=track_filter.excluded_urns)
        if asked.taste is not None
        else {}
    )
    found.update(dict.fromkeys(lifts))
    urns = [urn for urn in found if urn not in asked.urns and urn not in asked.seeds and track_filter.admits_urn(urn)]
    placed = calibration.calibrate(snapshot.vectors(urns))
    likeness = standardised_similarity(calibration.calibrate(asked.vectors), placed)
    sound = calibration.odds(likeness).mean(axis=0) if len(asked.vectors) else np.full(len(urns), np.nan)
    taste = np.array([lifts.get(urn, np.nan) for urn in urns]) if lifts else np.full(len(urns), np.nan)
    odds = sound if asked.taste is None else _blend_odds(sound, taste, asked.blend)
    scores = odds / (1.0 + odds)
    # What is equally near was found in the order of its names.
    order = np.argsort(-scores, kind="stable")[:k]
    admitted = order[scores[order] >= min_score]
    nearest = likeness[:, admitted].argmax(axis=0) if len(asked.vectors) else np.zeros(len(admitted))
    return Ranking(
        urns=tuple([urns[number] for number in admitted.tolist()]),
        placed=placed[admitted],
        scores=scores[admitted],
        nearest=nearest.astype(np.int64),
        is_exhausted=2 * len(admitted) < len(order) or (not len(asked.vectors) and len(lifts) < k),
        sound=(sound / (1.0 + sound))[admitted],
        taste=(taste / (1.0 + taste))[admitted],
    )


def _nearest_urns(snapshot: Snapshot, asked: Asked, k: int) -> list[str]:
    count = len(asked.vectors)
    width = k if count == 1 or k >= snapshot.reach else max(_MIN_WIDTH, 2 * k // max(1, count))
    return [match.urn for vector in asked.vectors for match in snapshot.search(vector, width)]


def _blend_odds(sound: NDArray[np.float64], taste: NDArray[np.float64], blend: float) -> NDArray[np.float64]:
    heard, liked = (np.log(np.maximum(np.nan_to_num(odds, nan=1.0), _MIN_ODDS)) for odds in (sound, taste))
    blended: NDArray[np.float64] = np.exp((1 - blend) * heard + blend * liked)
    return blended
