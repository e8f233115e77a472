"""The results among the candidates: every recording once, few per artist and album, diverse on request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.recommendation_query import RepeatLimits
from soundalike.api.shortage import Cause
from soundalike.db.tracks import State
from soundalike.domain.recordings import DistinctRecordings, RecordingKey
from soundalike.similarity.calibration import standardised_similarity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.ranking import Ranking
    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.api.seeds import Seeds, TrackSeeds
    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.similarity.calibration import Calibration


_SOUND_STATES: Final = frozenset({State.READY})
_TASTE_STATES: Final = frozenset({State.READY, State.QUEUED, State.PENDING, State.NO_PREVIEW})
"""A track can be a favourite without having an embedding."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The numbers of the selected candidates in the ranking, ascending, and how many others were left out by what.

    Where as many are selected as were requested, the others are not counted to their end.
    """

    numbers: list[int]
    left_out: Counter[Cause]


def rerank(
    seeds: Seeds,
    seed_tracks: Sequence[CatalogueTrack],
    ranking: Ranking,
    tracks: Mapping[str, CatalogueTrack],
    query: RecommendationQuery,
    *,
    calibration: Calibration,
    mean_tags: Sequence[float] | None,
    centre: NDArray[np.float32] | None,
    counterexamples: TrackSeeds | None = None,
) -> Selection:
    """Select at most `query.n` candidates; `seed_tracks` are the tracks of the seeds and of the counterexamples.

    `mean_tags` are the mean tag probabilities of the model, `centre` the middle of all vectors where that is not zero.
    """
    distinct = DistinctRecordings(centre)
    sounds = (seeds.sound, counterexamples.sound) if counterexamples is not None else (seeds.sound,)
    vectors = {urn: vector for sound in sounds for urn, vector in zip(sound.urns, sound.vectors, strict=False)}
    no_vector = np.full(ranking.vectors.vectors.shape[1], np.nan, np.float32)
    for seed in seed_tracks:
        distinct.add(_recording_key(seed, vectors.get(seed.track.id.urn, no_vector)))
    limits = RepeatLimits(query.max_per_artist, query.max_per_album)
    order = _MarginalRelevance(ranking, calibration, query.diversity)
    selection = Selection([], Counter())
    while len(selection.numbers) < query.n and (number := order.next()) is not None:
        candidate = tracks.get(ranking.urns[number])
        states = _SOUND_STATES if np.isnan(ranking.taste[number]) else _TASTE_STATES
        if candidate is None or candidate.state not in states or candidate.is_cut_short:
            is_in_state = candidate is not None and candidate.state in states
            selection.left_out[Cause.CUT_SHORT if is_in_state else Cause.STATE] += 1
            continue
        if obstacle := query.track_filter.obstacle(candidate, mean_tags):
            selection.left_out[obstacle] += 1
            continue
        key = _recording_key(candidate, ranking.vectors.vectors[number])
        # Most candidates are dropped by the limits, which are cheaper to check than repetition.
        obstacle = limits.obstacle(key.artists, candidate.track.album)
        if obstacle or not distinct.is_distinct(key):
            selection.left_out[obstacle or Cause.REPETITION] += 1
            continue
        limits.add(key.artists, candidate.track.album)
        distinct.add(key)
        order.add(number)
        selection.numbers.append(number)
    selection.numbers.sort()
    return selection


class _MarginalRelevance:
    """The order in which candidates are tried: best first, or by maximal marginal relevance.

    Source: J. Carbonell, J. Goldstein: The use of MMR, diversity-based reranking, SIGIR 1998. Similarity to the query
    and to the selection are on the same scale.
    """

    def __init__(self, ranking: Ranking, calibration: Calibration, diversity: float) -> None:
        self._ranking = ranking
        self._calibration = calibration
        self._diversity = diversity
        self._position = 0
        # A candidate that was tried comes after everything else, for its relevance becomes minus infinity.
        self._relevance = (1 - diversity) * ranking.scores
        self._redundancy = np.zeros(len(ranking.scores))

    def next(self) -> int | None:
        """Return the next candidate, each once, or None after the last."""
        if self._position == len(self._relevance):
            return None
        number = (
            int(np.argmax(self._relevance - self._diversity * self._redundancy)) if self._diversity else self._position
        )
        self._relevance[number] = -np.inf
        self._position += 1
        return number

    def add(self, number: int) -> None:
        """Add a candidate to the selection that the next ones are to differ from."""
        if self._diversity:
            vectors = self._ranking.vectors
            odds = self._calibration.odds(standardised_similarity(vectors[number : number + 1], vectors))[0]
            # A candidate without a vector is similar to nothing.
            self._redundancy = np.fmax(self._redundancy, odds / (1.0 + odds))


def _recording_key(entry: CatalogueTrack, vector: NDArray[np.float32]) -> RecordingKey:
    track = entry.track
    return RecordingKey.of(
        title=track.title,
        artists=track.artists,
        isrc=track.isrc,
        duration_ms=track.duration_ms,
        vector=vector,
        album=track.album,
        is_file=track.id.source == "file",
        fronts=track.fronts,
    )
