"""Choosing the answers among the candidates: every recording once, artists and albums with room, varied if wished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.deduplication import DistinctRecordings, RecordingKey
from soundalike.api.recommendation_query import RepeatLimits
from soundalike.db.tracks import State
from soundalike.similarity.calibration import standardised_similarity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.ranking import Asked, Ranking
    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.similarity.calibration import Calibration


_SOUND_STATES: Final = frozenset({State.READY})
_TASTE_STATES: Final = frozenset({State.READY, State.QUEUED, State.PENDING, State.NO_PREVIEW})
"""What can be favourited without having been heard."""


def rerank(
    asked: Asked,
    seeds: Sequence[CatalogueTrack],
    ranking: Ranking,
    tracks: Mapping[str, CatalogueTrack],
    query: RecommendationQuery,
    *,
    calibration: Calibration,
    average_tags: Sequence[float] | None,
    centre: NDArray[np.float32] | None,
) -> list[int]:
    """Return the numbers of the chosen candidates in the ranking, ascending, at most `wishes.n`.

    `average_tags` is what the model says of music on average, `centre` the middle of the space where that is not zero.
    """
    distinct = DistinctRecordings(centre)
    vectors = dict(zip(asked.urns, asked.vectors, strict=False))
    unheard = np.full(ranking.placed.vectors.shape[1], np.nan, np.float32)
    for seed in seeds:
        distinct.add(_recording_key(seed, vectors.get(seed.track.id.urn, unheard)))
    room = RepeatLimits(query.max_per_artist, query.max_per_album)
    turns = _MarginalRelevance(ranking, calibration, query.diversity)
    chosen: list[int] = []
    while len(chosen) < query.n and (number := turns.next()) is not None:
        heard = tracks.get(ranking.urns[number])
        allowed = _SOUND_STATES if np.isnan(ranking.taste[number]) else _TASTE_STATES
        if heard is None or heard.state not in allowed or not query.track_filter.admits(heard, average_tags):
            continue
        recording = _recording_key(heard, ranking.placed.vectors[number])
        # Most fall for want of room, which is told sooner than whether they are repeated.
        if room.allows(recording.artists, heard.track.album) and distinct.is_distinct(recording):
            room.add(recording.artists, heard.track.album)
            distinct.add(recording)
            turns.add(number)
            chosen.append(number)
    return sorted(chosen)


class _MarginalRelevance:
    """The order in which candidates are tried: best first, or by maximal marginal relevance.

    Source: J. Carbonell, J. Goldstein: The use of MMR, diversity-based reranking, SIGIR 1998. Likeness to the query
    and to those chosen are on the same scale.
    """

    def __init__(self, ranking: Ranking, calibration: Calibration, diversity: float) -> None:
        self._ranking = ranking
        self._calibration = calibration
        self._diversity = diversity
        self._position = 0
        # What was tried is worth nothing any more, so it comes after everything else.
        self._relevance = (1 - diversity) * ranking.scores
        self._redundancy = np.zeros(len(ranking.scores))

    def next(self) -> int | None:
        """Return the candidate whose turn it is, each once, or None after the last."""
        if self._position == len(self._relevance):
            return None
        number = (
            int(np.argmax(self._relevance - self._diversity * self._redundancy)) if self._diversity else self._position
        )
        self._relevance[number] = -np.inf
        self._position += 1
        return number

    def add(self, number: int) -> None:
        """Say that a candidate was chosen."""
        if self._diversity:
            placed = self._ranking.placed
            odds = self._calibration.odds(standardised_similarity(placed[number : number + 1], placed))[0]
            # What was never heard is like nothing.
            self._redundancy = np.fmax(self._redundancy, odds / (1.0 + odds))


def _recording_key(entry: CatalogueTrack, vector: NDArray[np.float32]) -> RecordingKey:
    track = entry.track
    return RecordingKey.of(
        title=track.title, artists=track.artists, isrc=track.isrc, duration_ms=track.duration_ms, vector=vector
    )
