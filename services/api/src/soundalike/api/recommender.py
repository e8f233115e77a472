"""From seeds to the tracks that go with them: search widely, score exactly, then rerank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from soundalike.api.errors import SeedNotReady
from soundalike.api.explanation import LAYERS, SOUND, TASTE, Signal, explain
from soundalike.api.ranking import rank
from soundalike.api.reranking import rerank
from soundalike.api.score_calibration import ScaleCache
from soundalike.api.seeds import UploadSeed
from soundalike.api.shortage import shortage
from soundalike.db.tracks import State
from soundalike.domain import tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.api.offload import Offloader
    from soundalike.api.ranking import Ranking
    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.api.score_calibration import ScoreScale
    from soundalike.api.seeds import Seeds, TrackSeeds
    from soundalike.api.snapshot import Snapshot
    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.db.tracks import Track

_MIN_CANDIDATES: Final = 60
_OVER_FETCH: Final = 3
_OVER_FETCH_DIVERSE: Final = 10
# A counterexample pushes many of the nearest back: of 100,000 tracks the mean score of ten results was .75 from 100
# candidates, .81 from 1,000, .83 from 3,000 and .85 from all, where the counterexample was the nearest of other albums.
_MIN_CANDIDATES_COUNTEREXAMPLES: Final = 1_000
_OVER_FETCH_COUNTEREXAMPLES: Final = 30
_WIDENING: Final = 8
_SHORT_TAIL: Final = 4_096
# A request that has this many candidates and still too few results gets fewer; it stays affordable.
MAX_CANDIDATES: Final = 10_000


class TrackRepository(Protocol):
    """What has to be known of candidates beside their vectors."""

    async def tracks(self, urns: Sequence[str]) -> Mapping[str, CatalogueTrack]:
        """Return what the catalogue says of tracks, by URN."""


@dataclass(frozen=True, slots=True)
class RecommendedTrack:
    """One recommended track; `score` between 0 and 1.

    `seed` is the seed that it is most similar to, None for an upload; `shared_tags` and `layer_similarity` (by layer,
    the share of random pairs that are less alike) compare the two, `explanation` is the same in a sentence.
    `signal_scores` are the scores of the signals that it came from, each alone.
    """

    track: Track
    score: float
    tags: tuple[str, ...]
    seed: str | None
    shared_tags: tuple[str, ...]
    layer_similarity: Mapping[str, float]
    explanation: str
    signal_scores: Mapping[Signal, float]


@dataclass(frozen=True, slots=True)
class RecommendationResult:
    """The seed tracks and the counterexamples in the order of the request, and the recommended tracks, best first.

    `shortage` says why there are fewer than were requested, None where there are not.
    """

    seeds: tuple[CatalogueTrack, ...]
    counterexamples: tuple[CatalogueTrack, ...]
    tracks: tuple[RecommendedTrack, ...]
    shortage: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What stays the same while one request is answered."""

    snapshot: Snapshot
    scale: ScoreScale
    seeds: Seeds
    counterexamples: TrackSeeds | None
    query: RecommendationQuery

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks that the request names."""
        return (*self.seeds.tracks, *(self.counterexamples.tracks if self.counterexamples else ()))


class Recommender:
    """Answers requests; what takes more than a moment is done in threads."""

    def __init__(self, offloader: Offloader) -> None:
        self._offloader = offloader
        self._scales = ScaleCache()

    async def recommend(
        self,
        repository: TrackRepository,
        snapshot: Snapshot,
        seeds: Seeds,
        query: RecommendationQuery,
        counterexamples: TrackSeeds | None = None,
    ) -> RecommendationResult:
        """Return at most `query.n` tracks that go with the seeds, best first; fewer where the pool holds no more.

        The less they go with the nearest of the `counterexamples` the better. Never among them: a seed or a
        counterexample, another release of its recording, a recording twice, a track that is not ready, one that `query`
        does not admit. By taste, results need not be ready, nor need the seeds. The repository is asked once unless
        filters remove most of the candidates. Raises `SeedNotReady` for a seed or counterexample that has a vector and
        is not ready.
        """
        task = _Task(snapshot, await self._scale(snapshot), seeds, counterexamples, query)
        k = max(_MIN_CANDIDATES, (_OVER_FETCH_DIVERSE if query.diversity else _OVER_FETCH) * query.n)
        if counterexamples is not None:
            k = max(_MIN_CANDIDATES_COUNTEREXAMPLES, _OVER_FETCH_COUNTEREXAMPLES * query.n)
        tracks: Mapping[str, CatalogueTrack] = {}
        requested: set[str] = set()
        reach = max(snapshot.reach, len(seeds.taste.version) if seeds.taste else 0)
        while True:
            # One vector among an index and a short tail, a few results: the usual request.
            single = len(seeds.sound.vectors) == 1 and seeds.taste is None
            short = single and k <= _MIN_CANDIDATES and len(snapshot.tail) <= _SHORT_TAIL
            ranking = await self._offloader.run(partial(_search, task, k), short=short)
            for candidates in _portions(task, ranking):
                urns = dict.fromkeys((*seeds.sound.urns, *task.tracks, *candidates))
                if new := [urn for urn in urns if urn not in requested]:
                    response = await repository.tracks(new)
                    tracks = {**tracks, **response} if tracks else response
                    requested.update(new)
                result = await self._offloader.run(partial(_select, task, ranking, tracks), short=short)
                if len(result.tracks) == query.n:
                    return result
            if ranking.is_exhausted or k >= min(reach, MAX_CANDIDATES):
                return result
            k = min(k * _WIDENING, MAX_CANDIDATES)

    async def _scale(self, snapshot: Snapshot) -> ScoreScale:
        scale = self._scales.get(snapshot)
        if scale is None:
            scale = await self._offloader.run_in_thread(partial(self._scales.measure, snapshot))
        return scale


def _portions(task: _Task, ranking: Ranking) -> list[tuple[str, ...]]:
    """Return the candidates to look up first, and those if these are not enough: half of the cost is there.

    All at once where many of the first will be dropped: in a small catalogue half of them are of one album.
    """
    first = _OVER_FETCH * task.query.n
    if (
        task.query.diversity
        or task.query.track_filter.needs_facts
        or task.snapshot.reach <= MAX_CANDIDATES
        or first >= len(ranking.urns)
    ):
        return [ranking.urns]
    return [ranking.urns[:first], ranking.urns]


def _search(task: _Task, k: int) -> Ranking:
    query = task.query
    return rank(
        task.snapshot,
        task.scale.calibration,
        task.seeds,
        query.track_filter,
        k=k,
        min_score=query.min_score,
        counterexamples=task.counterexamples,
    )


def _select(task: _Task, ranking: Ranking, tracks: Mapping[str, CatalogueTrack]) -> RecommendationResult:
    mean_tags = task.snapshot.model.mean_tag_probabilities
    seed_tracks = _seed_tracks(task.seeds, tracks)
    counterexamples = _seed_tracks(task.counterexamples, tracks) if task.counterexamples else ()
    selection = rerank(
        task.seeds,
        (*seed_tracks, *counterexamples),
        ranking,
        tracks,
        task.query,
        calibration=task.scale.calibration,
        mean_tags=mean_tags,
        centre=task.snapshot.centre,
        counterexamples=task.counterexamples,
    )
    numbers = selection.numbers
    similarities = _layer_similarities(task, ranking, numbers)
    seed_tags = _seed_tags(task.seeds, tracks, mean_tags)
    results = []
    for number in numbers:
        entry = tracks[ranking.urns[number]]
        own_tags = tags.distinctive(entry.tag_probabilities, mean_tags)
        signal_scores, seed = _signal_scores(ranking, number), _nearest_seed(task.seeds, ranking, number)
        comparable = seed is not None or SOUND in signal_scores
        shared = [tag for tag in seed_tags[int(ranking.nearest[number])] if tag in own_tags] if comparable else []
        layer_similarity = similarities.get(number, {})
        results.append(
            RecommendedTrack(
                track=entry.track,
                score=round(float(ranking.scores[number]), 6),
                tags=own_tags,
                seed=seed,
                shared_tags=tuple(shared),
                layer_similarity=layer_similarity,
                explanation=explain(layer_similarity, shared, signal_scores),
                signal_scores=signal_scores,
            )
        )
    is_short = len(results) < task.query.n
    reason = shortage(len(results), ranking.left_out + selection.left_out, compared=ranking.compared)
    return RecommendationResult(seed_tracks, counterexamples, tuple(results), reason if is_short else None)


def _seed_tracks(seeds: Seeds, tracks: Mapping[str, CatalogueTrack]) -> tuple[CatalogueTrack, ...]:
    entries = []
    for urn in seeds.tracks:
        entry = tracks.get(urn)
        if entry is None or entry.state is State.FORGOTTEN or (seeds.taste is None and entry.state is not State.READY):
            raise SeedNotReady(urn, entry)
        entries.append(entry)
    return tuple(entries)


def _seed_tags(
    seeds: Seeds, tracks: Mapping[str, CatalogueTrack], mean_tags: Sequence[float] | None
) -> list[tuple[str, ...]]:
    """Return the tags of each seed vector, or those of the one seed track where there is no vector."""
    if isinstance(seeds, UploadSeed):
        return [tags.distinctive(seeds.tag_probabilities, mean_tags)]
    urns = seeds.sound.urns or (seeds.tracks if len(seeds.tracks) == 1 else ())
    probabilities = [tracks[urn].tag_probabilities if urn in tracks else None for urn in urns] or [None]
    return [tags.distinctive(each, mean_tags) for each in probabilities]


def _signal_scores(ranking: Ranking, number: int) -> dict[Signal, float]:
    scores: dict[Signal, float] = {SOUND: ranking.sound[number], TASTE: ranking.taste[number]}
    return {name: round(float(score), 6) for name, score in scores.items() if not np.isnan(score)}


def _nearest_seed(seeds: Seeds, ranking: Ranking, number: int) -> str | None:
    """Return the seed track that a candidate is most similar to; taste alone does not tell which of several it was."""
    if len(seeds.tracks) == 1:
        return seeds.tracks[0]
    has_sound = not np.isnan(ranking.sound[number])
    return seeds.sound.urns[int(ranking.nearest[number])] if seeds.tracks and has_sound else None


def _layer_similarities(task: _Task, ranking: Ranking, numbers: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return in which layers each candidate is similar to its nearest seed vector, by the candidate's number."""
    similarities: dict[int, dict[str, float]] = {}
    with_sound = np.array([number for number in numbers if not np.isnan(ranking.sound[number])], dtype=np.int64)
    for nearest in np.unique(ranking.nearest[with_sound]):
        rows = with_sound[ranking.nearest[with_sound] == nearest]
        shares = task.scale.layers.percentiles(task.seeds.sound.vectors[nearest], ranking.vectors.vectors[rows])
        rounded = shares.astype(np.float64).round(3).tolist()
        for number, row in zip(rows.tolist(), rounded, strict=True):
            similarities[number] = dict(zip(LAYERS, row, strict=False))
    return similarities
