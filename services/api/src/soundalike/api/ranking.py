"""The candidates nearest to the seeds: searched in the snapshot, scored exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.similarity.calibration import standardised_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.api.recommendation_query import TrackFilter
    from soundalike.api.seeds import Seeds, TasteSeeds
    from soundalike.api.snapshot import Snapshot
    from soundalike.similarity.calibration import CalibratedVectors, Calibration

_MIN_WIDTH: Final = 20
_MIN_ODDS: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The candidates `urns` [n], best first, their projected `vectors` [n] and scores [n] between 0 and 1.

    `nearest` [n] is the number of the seed vector that each is most similar to. `is_exhausted`: so many candidates were
    not admitted that further ones would not be either. `sound` and `taste` [n] are the scores of either signal alone,
    NaN where it has none.
    """

    urns: tuple[str, ...]
    vectors: CalibratedVectors
    scores: NDArray[np.float64]
    nearest: NDArray[np.int64]
    is_exhausted: bool
    sound: NDArray[np.float64]
    taste: NDArray[np.float64]


def rank(
    snapshot: Snapshot, calibration: Calibration, seeds: Seeds, track_filter: TrackFilter, *, k: int, min_score: float
) -> Ranking:
    """Return about `k` candidates, without the seeds themselves, and without those below `min_score`.

    With several vectors the odds are averaged: they are then the odds that a track is like one of them, whichever.
    The odds of taste are the lift. Those of both are their geometric mean, weighted by `seeds.taste.weight`; a signal
    that has no score for a candidate speaks neither for nor against it, which are odds of one.
    """
    queries, seed_urns = seeds.sound.vectors, {*seeds.sound.urns, *seeds.tracks}
    candidates = dict.fromkeys(_nearest_urns(snapshot, queries, k))
    lifts = _lifts(seeds.taste, k, track_filter)
    candidates.update(dict.fromkeys(lifts))
    urns = [urn for urn in candidates if urn not in seed_urns and track_filter.admits_urn(urn)]
    vectors = calibration.calibrate(snapshot.vectors(urns))
    similarity = standardised_similarity(calibration.calibrate(queries), vectors)
    sound = calibration.odds(similarity).mean(axis=0) if len(queries) else np.full(len(urns), np.nan)
    taste = np.array([lifts.get(urn, np.nan) for urn in urns]) if lifts else np.full(len(urns), np.nan)
    odds = sound if seeds.taste is None else _blend_odds(sound, taste, seeds.taste.weight)
    scores = odds / (1.0 + odds)
    # Equally near candidates come in the order of their names.
    order = np.argsort(-scores, kind="stable")[:k]
    admitted = order[scores[order] >= min_score]
    nearest = similarity[:, admitted].argmax(axis=0) if len(queries) else np.zeros(len(admitted))
    return Ranking(
        urns=tuple([urns[number] for number in admitted.tolist()]),
        vectors=vectors[admitted],
        scores=scores[admitted],
        nearest=nearest.astype(np.int64),
        is_exhausted=2 * len(admitted) < len(order) or (not len(queries) and len(lifts) < k),
        sound=(sound / (1.0 + sound))[admitted],
        taste=(taste / (1.0 + taste))[admitted],
    )


def _lifts(taste: TasteSeeds | None, k: int, track_filter: TrackFilter) -> dict[str, float]:
    if taste is None:
        return {}
    return taste.version.similar_tracks(taste.urns, k, without=track_filter.excluded_urns)


def _nearest_urns(snapshot: Snapshot, queries: NDArray[np.float32], k: int) -> list[str]:
    count = len(queries)
    width = k if count == 1 or k >= snapshot.reach else max(_MIN_WIDTH, 2 * k // max(1, count))
    return [match.urn for query in queries for match in snapshot.search(query, width)]


def _blend_odds(sound: NDArray[np.float64], taste: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    log_sound, log_taste = (np.log(np.maximum(np.nan_to_num(odds, nan=1.0), _MIN_ODDS)) for odds in (sound, taste))
    blended: NDArray[np.float64] = np.exp((1 - weight) * log_sound + weight * log_taste)
    return blended
