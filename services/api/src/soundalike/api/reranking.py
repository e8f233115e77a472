"""Choosing the answers among the candidates: every recording once, artists and albums with room, varied if wished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.deduplication import Distinct, Recording
from soundalike.api.recommendation_query import Room
from soundalike.db.tracks import State
from soundalike.similarity.calibration import standardised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.ranking import Asked, Ranking
    from soundalike.api.recommendation_query import Wishes
    from soundalike.api.repository import HeardTrack
    from soundalike.similarity.calibration import Calibration


_READY: Final = frozenset({State.READY})
_LIKABLE: Final = frozenset({State.READY, State.QUEUED, State.PENDING, State.NO_PREVIEW})
"""What can be favourited without having been heard."""


def choose(
    asked: Asked,
    seeds: Sequence[HeardTrack],
    ranking: Ranking,
    known: Mapping[str, HeardTrack],
    wishes: Wishes,
    *,
    calibration: Calibration,
    usual: Sequence[float] | None,
    centre: NDArray[np.float32] | None,
) -> list[int]:
    """Return the numbers of the chosen candidates in the ranking, ascending, at most `wishes.n`.

    `usual` is what the model says of music on average, `centre` the middle of the space where that is not zero.
    """
    distinct = Distinct(centre)
    vectors = dict(zip(asked.urns, asked.vectors, strict=False))
    unheard = np.full(ranking.placed.vectors.shape[1], np.nan, np.float32)
    for seed in seeds:
        distinct.keep(_recording(seed, vectors.get(seed.track.id.urn, unheard)))
    room = Room(wishes.max_per_artist, wishes.max_per_album)
    turns = _Turns(ranking, calibration, wishes.diversity)
    chosen: list[int] = []
    while len(chosen) < wishes.n and (number := turns.next()) is not None:
        heard = known.get(ranking.urns[number])
        allowed = _READY if np.isnan(ranking.taste[number]) else _LIKABLE
        if heard is None or heard.state not in allowed or not wishes.only.admits(heard, usual):
            continue
        recording = _recording(heard, ranking.placed.vectors[number])
        # Most fall for want of room, which is told sooner than whether they are repeated.
        if room.admits(recording.artists, heard.track.album) and distinct.differs(recording):
            room.take(recording.artists, heard.track.album)
            distinct.keep(recording)
            turns.take(number)
            chosen.append(number)
    return sorted(chosen)


class _Turns:
    """The order in which candidates are tried: best first, or by maximal marginal relevance.

    Source: J. Carbonell, J. Goldstein: The use of MMR, diversity-based reranking, SIGIR 1998. Likeness to the query
    and to those chosen are on the same scale.
    """

    def __init__(self, ranking: Ranking, calibration: Calibration, diversity: float) -> None:
        self._ranking = ranking
        self._calibration = calibration
        self._diversity = diversity
        self._tried = 0
        # What was tried is worth nothing any more, so it comes after everything else.
        self._worth = (1 - diversity) * ranking.scores
        self._closest = np.zeros(len(ranking.scores))

    def next(self) -> int | None:
        """Return the candidate whose turn it is, each once, or None after the last."""
        if self._tried == len(self._worth):
            return None
        number = int(np.argmax(self._worth - self._diversity * self._closest)) if self._diversity else self._tried
        self._worth[number] = -np.inf
        self._tried += 1
        return number

    def take(self, number: int) -> None:
        """Say that a candidate was chosen."""
        if self._diversity:
            placed = self._ranking.placed
            odds = self._calibration.odds(standardised(placed[number : number + 1], placed))[0]
            # What was never heard is like nothing.
            self._closest = np.fmax(self._closest, odds / (1.0 + odds))


def _recording(heard: HeardTrack, vector: NDArray[np.float32]) -> Recording:
    track = heard.track
    return Recording.of(
        title=track.title, artists=track.artists, isrc=track.isrc, duration_ms=track.duration_ms, vector=vector
    )
