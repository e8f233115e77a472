"""The candidates nearest to the seeds: searched in the snapshot, scored exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.shortage import Cause
from soundalike.similarity.calibration import standardised_similarity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.api.recommendation_query import TrackFilter
    from soundalike.api.seeds import Seeds, TasteSeeds, TrackSeeds
    from soundalike.api.snapshot import Snapshot
    from soundalike.similarity.calibration import CalibratedVectors, Calibration

_MIN_WIDTH: Final = 20
_MIN_ODDS: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The candidates `urns` [n], best first, their projected `vectors` [n] and scores [n] between 0 and 1.

    `nearest` [n] is the number of the seed vector that each is most similar to. `is_exhausted`: so many candidates were
    not admitted that further ones would not be either. `sound` and `taste` [n] are the scores of either signal alone,
    NaN where it has none. `left_out` counts the candidates that were not admitted, `compared` is the number of all
    candidates where the snapshot has more, else None.
    """

    urns: tuple[str, ...]
    vectors: CalibratedVectors
    scores: NDArray[np.float64]
    nearest: NDArray[np.int64]
    is_exhausted: bool
    sound: NDArray[np.float64]
    taste: NDArray[np.float64]
    left_out: Counter[Cause]
    compared: int | None


def rank(
    snapshot: Snapshot,
    calibration: Calibration,
    seeds: Seeds,
    track_filter: TrackFilter,
    *,
    k: int,
    min_score: float,
    counterexamples: TrackSeeds | None = None,
) -> Ranking:
    """Return about `k` candidates, without the seeds themselves, and without those below `min_score`.

    With several vectors the odds are averaged: they are then the odds that a track is like one of them, whichever.
    The odds of taste are the lift. Those of both are their geometric mean, weighted by `seeds.taste.weight`; a signal
    that has no score for a candidate speaks neither for nor against it, which are odds of one.

    The odds of each signal are divided by those with the nearest of the `counterexamples` where these exceed one: they
    compare then how well a candidate goes with the seeds with what explains it better, chance or the counterexample.
    """
    queries, seed_urns = seeds.sound.vectors, {*seeds.sound.urns, *seeds.tracks}
    seed_urns.update(counterexamples.tracks if counterexamples else ())
    candidates = dict.fromkeys(_nearest_urns(snapshot, queries, k))
    lifts = _lifts(seeds.taste, k, track_filter)
    candidates.update(dict.fromkeys(lifts))
    obstacles = {urn: track_filter.obstacle_of_urn(urn) for urn in candidates if urn not in seed_urns}
    urns = [urn for urn, obstacle in obstacles.items() if obstacle is None]
    vectors = calibration.calibrate(snapshot.vectors(urns))
    similarity = standardised_similarity(calibration.calibrate(queries), vectors)
    sound = calibration.odds(similarity).mean(axis=0) if len(queries) else np.full(len(urns), np.nan)
    taste = np.array([lifts.get(urn, np.nan) for urn in urns]) if lifts else np.full(len(urns), np.nan)
    scores = before = _scores(seeds.taste, sound, taste)
    if counterexamples is not None:
        sound = sound / _opposing_sound(calibration, counterexamples, vectors)
        taste = taste / _opposing_taste(counterexamples, urns)
        scores = _scores(seeds.taste, sound, taste)
    # Equally near candidates come in the order of their names.
    order = np.argsort(-scores, kind="stable")[:k]
    admitted = order[scores[order] >= min_score]
    nearest = similarity[:, admitted].argmax(axis=0) if len(queries) else np.zeros(len(admitted))
    is_whole_taste = seeds.taste is None or len(lifts) < k
    is_complete = (not len(queries) or k >= snapshot.reach) and is_whole_taste and len(urns) <= k
    left_out = Counter(obstacle for obstacle in obstacles.values() if obstacle is not None)
    left_out[Cause.MIN_SCORE] = len(order) - len(admitted)
    return Ranking(
        urns=tuple([urns[number] for number in admitted.tolist()]),
        vectors=vectors[admitted],
        scores=scores[admitted],
        nearest=nearest.astype(np.int64),
        # What a counterexample takes from these candidates says nothing of the further ones.
        is_exhausted=bool(2 * np.count_nonzero(before[order] >= min_score) < len(order))
        or (not len(queries) and len(lifts) < k),
        sound=_score(sound)[admitted],
        taste=_score(taste)[admitted],
        left_out=left_out,
        compared=None if is_complete else len(obstacles) - len(urns) + len(order),
    )


def _scores(
    taste_seeds: TasteSeeds | None, sound: NDArray[np.float64], taste: NDArray[np.float64]
) -> NDArray[np.float64]:
    return _score(sound if taste_seeds is None else _blend_odds(sound, taste, taste_seeds.weight))


def _score(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return odds / (1.0 + odds)


def _opposing_sound(
    calibration: Calibration, counterexamples: TrackSeeds, vectors: CalibratedVectors
) -> NDArray[np.float64]:
    """Return what the odds [n] of candidates are divided by: those with the nearest counterexample, at least one."""
    examples = counterexamples.sound.vectors
    if not len(examples):
        return np.ones(len(vectors))
    odds = calibration.odds(standardised_similarity(calibration.calibrate(examples), vectors))
    # A candidate without a vector is similar to nothing.
    return np.asarray(np.fmax(1.0, np.fmax.reduce(odds, axis=0)))


def _opposing_taste(counterexamples: TrackSeeds, urns: Sequence[str]) -> NDArray[np.float64]:
    """Return the same by taste: the lifts with the counterexample that has the highest, at least one."""
    taste, odds = counterexamples.taste, np.ones(len(urns))
    if taste is None:
        return odds
    for urn in taste.urns:
        lifts = taste.version.similar_tracks([urn], len(taste.version))
        odds = np.maximum(odds, [lifts.get(each, 1.0) for each in urns])
    return odds


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
