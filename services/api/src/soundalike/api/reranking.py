"""The results among the candidates: every recording once, few per artist and album, diverse on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.recommendation_query import RepeatLimits
from soundalike.db.tracks import State
from soundalike.domain.recordings import DistinctRecordings, RecordingKey
from soundalike.similarity.calibration import standardised_similarity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.ranking import Ranking
    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.api.seeds import Seeds
    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.similarity.calibration import Calibration


_SOUND_STATES: Final = frozenset({State.READY})
_TASTE_STATES: Final = frozenset({State.READY, State.QUEUED, State.PENDING, State.NO_PREVIEW})
"""A track can be a favourite without having an embedding."""


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
) -> list[int]:
    """Return the numbers of the selected candidates in the ranking, ascending, at most `query.n`.

    `mean_tags` are the mean tag probabilities of the model, `centre` the middle of all vectors where that is not zero.
    """
    distinct = DistinctRecordings(centre)
    seed_vectors = dict(zip(seeds.sound.urns, seeds.sound.vectors, strict=False))
    no_vector = np.full(ranking.vectors.vectors.shape[1], np.nan, np.float32)
    for seed in seed_tracks:
        distinct.add(_recording_key(seed, seed_vectors.get(seed.track.id.urn, no_vector)))
    limits = RepeatLimits(query.max_per_artist, query.max_per_album)
    order = _MarginalRelevance(ranking, calibration, query.diversity)
    selection: list[int] = []
    while len(selection) < query.n and (number := order.next()) is not None:
        candidate = tracks.get(ranking.urns[number])
        states = _SOUND_STATES if np.isnan(ranking.taste[number]) else _TASTE_STATES
        if candidate is None or candidate.state not in states or candidate.is_cut_short:
            continue
        if not query.track_filter.admits(candidate, mean_tags):
            continue
        key = _recording_key(candidate, ranking.vectors.vectors[number])
        # Most candidates are dropped by the limits, which are cheaper to check than repetition.
        if limits.allows(key.artists, candidate.track.album) and distinct.is_distinct(key):
            limits.add(key.artists, candidate.track.album)
            distinct.add(key)
            order.add(number)
            selection.append(number)
    return sorted(selection)


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
