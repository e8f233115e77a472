"""From a track to the tracks that sound like it: search widely, score exactly, then filter."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from anyio import CapacityLimiter, to_thread

from api.sameness import Distinct, Recording
from catalog import tags

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
    """One recommended track, its exact cosine with the query, between -1 and 1, and the tags it holds."""

    track: Track
    cosine: float
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Tags (slugs of `catalog.tags`) that every answer holds, and tags that none does."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def admits(self, heard: HeardTrack, usual: Sequence[float] | None) -> bool:
        """Tell whether a track may be an answer; `usual` is what its model says of music on average."""
        probabilities = heard.tag_probabilities
        return tags.holds_all(self.wanted, probabilities, usual) and not tags.holds_any(
            self.unwanted, probabilities, usual
        )


NO_FILTER: Final = TagFilter()


class Recommender:
    """Answers requests; the searching is done in as many threads as the machine has cores."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(os.cpu_count() or 2)

    async def answer(
        self, candidates: Candidates, snapshot: Snapshot, query: HeardTrack, n: int, only: TagFilter = NO_FILTER
    ) -> list[Answer]:
        """Return at most `n` tracks that sound like `query`, best first; fewer where the pool does not hold more.

        Never among them: the query, another release of its recording, a recording twice, a track that is not ready,
        one that `only` does not admit.
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
            eligible = [
                (match, known[match.urn])
                for match in matches
                if match.urn in known and only.admits(known[match.urn], snapshot.model.usual_tags)
            ]
            answers = await to_thread.run_sync(_pick, snapshot, query, vector, eligible, n, limiter=self._limiter)
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
    eligible: Sequence[tuple[Match, HeardTrack]],
    n: int,
) -> list[Answer]:
    distinct = Distinct(snapshot.centre)
    distinct.admit(_recording(query, query_vector))
    picked: list[Answer] = []
    if not eligible:
        return picked
    vectors = snapshot.project(np.stack([heard.vector for _, heard in eligible if heard.vector is not None]))
    for (match, heard), vector in zip(eligible, vectors, strict=True):
        if match.urn == query.track.id.urn or not distinct.admit(_recording(heard, vector)):
            continue
        held = tags.held(heard.tag_probabilities, snapshot.model.usual_tags)
        picked.append(Answer(heard.track, match.cosine, held))
        if len(picked) == n:
            break
    return picked


def _recording(heard: HeardTrack, vector: NDArray[np.float32]) -> Recording:
    track = heard.track
    return Recording.of(
        title=track.title, artists=track.artists, isrc=track.isrc, duration_ms=track.duration_ms, vector=vector
    )
