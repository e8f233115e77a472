"""From a track to the tracks that sound like it: search widely, score exactly, then filter."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from anyio import CapacityLimiter, to_thread

from api.sameness import Distinct, Recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from api.lookups import HeardTrack
    from api.snapshot import Snapshot
    from catalog.tracks import Track
    from space.version import Match

    Candidates = Callable[[Sequence[str]], Awaitable[Mapping[str, HeardTrack]]]

_FEWEST: Final = 60
_OVER_FETCH: Final = 3
_WIDENING: Final = 8
# Whoever has this many candidates and still too few answers gets fewer; the request stays affordable.
WIDEST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One recommended track and its exact cosine with the query, between -1 and 1."""

    track: Track
    cosine: float


class Recommender:
    """Answers requests; the searching is done in as many threads as the machine has cores."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(os.cpu_count() or 2)

    async def answer(self, candidates: Candidates, snapshot: Snapshot, query: HeardTrack, n: int) -> list[Answer]:
        """Return at most `n` tracks that sound like `query`, best first; fewer where the pool does not hold more.

        Never among them: the query, another release of its recording, a recording twice, a track that is not ready.
        `candidates` looks the tracks that may be recommended up by URN; they and the query have vectors of the
        snapshot's model.
        """
        assert query.vector is not None  # noqa: S101 - the caller has answered without one already
        vector = snapshot.project(query.vector[np.newaxis])[0]
        known: dict[str, HeardTrack] = {}
        missed: set[str] = set()
        k = max(_FEWEST, _OVER_FETCH * n)
        while True:
            matches = await to_thread.run_sync(snapshot.search, vector, k, limiter=self._limiter)
            unseen = [match.urn for match in matches if match.urn not in known and match.urn not in missed]
            if unseen:
                found = await candidates(unseen)
                known.update(found)
                missed.update(urn for urn in unseen if urn not in found)
            answers = await to_thread.run_sync(_pick, snapshot, query, vector, matches, known, n, limiter=self._limiter)
            if len(answers) == n or k >= min(snapshot.reach, WIDEST):
                return answers
            k = min(k * _WIDENING, WIDEST)


def score_of(cosine: float) -> float:
    """Turn a cosine into a score between 0 (opposite) and 1 (the same direction): (1 + cosine) / 2."""
    return round(min(1.0, max(0.0, (1.0 + cosine) / 2.0)), 6)


def _pick(
    snapshot: Snapshot,
    query: HeardTrack,
    query_vector: NDArray[np.float32],
    matches: Sequence[Match],
    known: Mapping[str, HeardTrack],
    n: int,
) -> list[Answer]:
    eligible = [(match, known[match.urn]) for match in matches if match.urn in known]
    distinct = Distinct(snapshot.centre)
    distinct.admit(_recording(query, query_vector))
    picked: list[Answer] = []
    if not eligible:
        return picked
    vectors = snapshot.project(np.stack([heard.vector for _, heard in eligible if heard.vector is not None]))
    for (match, heard), vector in zip(eligible, vectors, strict=True):
        if match.urn == query.track.id.urn or not distinct.admit(_recording(heard, vector)):
            continue
        picked.append(Answer(heard.track, match.cosine))
        if len(picked) == n:
            break
    return picked


def _recording(heard: HeardTrack, vector: NDArray[np.float32]) -> Recording:
    track = heard.track
    return Recording.of(
        title=track.title, artists=track.artists, isrc=track.isrc, duration_ms=track.duration_ms, vector=vector
    )
