"""From tracks to the tracks that sound like them: search widely, score exactly, then choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.errors import SeedNotReady
from soundalike.api.explanation import LAYERS, SOUND, TASTE, Signal, explain
from soundalike.api.offload import Offloader
from soundalike.api.ranking import Asked, rank
from soundalike.api.recommendation_query import By
from soundalike.api.reranking import rerank
from soundalike.api.score_calibration import ScaleCache
from soundalike.db.tracks import State
from soundalike.domain import tags

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.ranking import Ranking
    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.api.score_calibration import ScoreScale
    from soundalike.api.snapshot import Snapshot
    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.db.tracks import Track
    from soundalike.similarity.taste.version import TasteVersion

    Lookup = Callable[[Sequence[str]], Awaitable[Mapping[str, CatalogueTrack]]]

_MIN_CANDIDATES: Final = 60
_OVER_FETCH: Final = 3
_OVER_FETCH_VARIED: Final = 10
_WIDENING: Final = 8
_SHORT_TAIL: Final = 4_096
# Whoever has this many candidates and still too few answers gets fewer; the request stays affordable.
MAX_CANDIDATES: Final = 10_000


@dataclass(frozen=True, slots=True)
class RecommendedTrack:
    """One recommended track; `score` between 0 and 1.

    `seed` is the track asked about that it is most like, None for a recording that is no track; `shared_tags` and
    `layer_similarity` (by layer, the share of random pairs that are less alike) tell of these two, `explanation` says
    it in a sentence. `signal_scores` are the scores of the signals that it came from, each alone.
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
    """The tracks that were asked about, in that order, and the answers, best first."""

    seeds: tuple[CatalogueTrack, ...]
    tracks: tuple[RecommendedTrack, ...]


class Recommender:
    """Answers requests; what takes more than a moment is done in threads."""

    def __init__(self) -> None:
        self._offloader = Offloader()
        self._scales = ScaleCache()

    async def answer(
        self,
        lookup: Lookup,
        snapshot: Snapshot,
        urns: Sequence[str],
        wishes: RecommendationQuery,
        *,
        raw: Mapping[str, NDArray[np.float32]] | None = None,
        taste: TasteVersion | None = None,
    ) -> RecommendationResult:
        """Return at most `wishes.n` tracks that sound like `urns` (one or more, each once), best first.

        Never among them: a track that is asked about, another release of its recording, a recording twice, a track that
        is not ready, one that `wishes` does not admit. Fewer where the pool does not hold more. `raw` are raw vectors
        [D] of tracks that are not in the snapshot yet. `lookup` tells what is known of tracks, by URN; it is asked once
        unless filters eat most of the candidates. Raises `NotInSpace` for tracks without a vector, before anything is
        looked up, and `SeedNotReady` for one that has a vector and is not ready. By taste (`wishes.by`) answers need
        not be ready, nor need the tracks that are asked about; raises `NoTasteData` where nothing is known of these.
        """
        return await self._answer(
            lookup,
            snapshot,
            lambda: Asked.signals(snapshot, urns, raw or {}, taste, wishes),
            wishes,
            single=len(urns) == 1 and wishes.by is By.SOUND,
        )

    async def answer_favorites(
        self,
        lookup: Lookup,
        snapshot: Snapshot,
        urns: Sequence[str],
        wishes: RecommendationQuery,
        *,
        taste: TasteVersion | None,
        most: int,
    ) -> RecommendationResult:
        """Return tracks that go with somebody's favourites, of which at most `most` are compared by their sound.

        Raises `NoTasteData` where nothing is known of any.
        """
        return await self._answer(
            lookup, snapshot, lambda: Asked.favorites(snapshot, urns, taste, wishes, most=most), wishes, single=False
        )

    async def answer_sound(
        self,
        lookup: Lookup,
        snapshot: Snapshot,
        vector: NDArray[np.float32],
        wishes: RecommendationQuery,
        *,
        said: Sequence[float] | None = None,
    ) -> RecommendationResult:
        """Return the tracks that sound like a recording with this raw vector [D] and tag probabilities `said` [50]."""
        return await self._answer(
            lookup, snapshot, lambda: Asked((), snapshot.project(vector[np.newaxis]), said), wishes, single=True
        )

    async def _answer(
        self, lookup: Lookup, snapshot: Snapshot, ask: Callable[[], Asked], wishes: RecommendationQuery, *, single: bool
    ) -> RecommendationResult:
        k = max(_MIN_CANDIDATES, (_OVER_FETCH_VARIED if wishes.diversity else _OVER_FETCH) * wishes.n)
        scale = self._scales.get(snapshot)
        if scale is None:
            scale = await self._offloader.run_in_thread(partial(self._scales.measure, snapshot))
        known: Mapping[str, CatalogueTrack] = {}
        looked_up: set[str] = set()
        while True:
            # One vector among an index and a short tail, a few answers: the usual question.
            short = single and k <= _MIN_CANDIDATES and len(snapshot.tail) <= _SHORT_TAIL
            found = await self._offloader.run(partial(_search, snapshot, scale, ask, wishes, k), short=short)
            for candidates in _portions(snapshot, found.ranking, wishes):
                asked = dict.fromkeys((*found.asked.urns, *found.asked.seeds, *candidates))
                if unseen := [urn for urn in asked if urn not in looked_up]:
                    found_now = await lookup(unseen)
                    known = {**known, **found_now} if known else found_now
                    looked_up.update(unseen)
                answered = await self._offloader.run(partial(_choose, snapshot, found, known, wishes), short=short)
                if len(answered.tracks) == wishes.n:
                    return answered
            reach = max(snapshot.reach, len(found.asked.taste or ()))
            if found.ranking.is_exhausted or k >= min(reach, MAX_CANDIDATES):
                return answered
            k = min(k * _WIDENING, MAX_CANDIDATES)


def _portions(snapshot: Snapshot, ranking: Ranking, wishes: RecommendationQuery) -> list[tuple[str, ...]]:
    """Tell which candidates to look up at first, and which where these are not enough: half of the cost is there.

    All at once where many of the first will fall: in a small catalogue half of them are of one album.
    """
    first = _OVER_FETCH * wishes.n
    if (
        wishes.diversity
        or wishes.track_filter.needs_facts
        or snapshot.reach <= MAX_CANDIDATES
        or first >= len(ranking.urns)
    ):
        return [ranking.urns]
    return [ranking.urns[:first], ranking.urns]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    asked: Asked
    scale: ScoreScale
    ranking: Ranking


def _search(
    snapshot: Snapshot, scale: ScoreScale, ask: Callable[[], Asked], wishes: RecommendationQuery, k: int
) -> _Found:
    asked = ask()
    ranking = rank(snapshot, scale.calibration, asked, wishes.track_filter, k=k, min_score=wishes.min_score)
    return _Found(asked, scale, ranking)


def _choose(
    snapshot: Snapshot, found: _Found, known: Mapping[str, CatalogueTrack], wishes: RecommendationQuery
) -> RecommendationResult:
    usual = snapshot.model.mean_tag_probabilities
    seeds = _seeds(found.asked, known)
    chosen = rerank(
        found.asked,
        seeds,
        found.ranking,
        known,
        wishes,
        calibration=found.scale.calibration,
        average_tags=usual,
        centre=snapshot.centre,
    )
    alike = _alike(found, chosen)
    asked_tags = _asked_tags(found.asked, known, usual)
    answers = []
    for number in chosen:
        heard = known[found.ranking.urns[number]]
        nearest = int(found.ranking.nearest[number])
        held = tags.distinctive(heard.tag_probabilities, usual)
        signals, seed = _signals(found.ranking, number), _seed(found, number)
        compared = seed is not None or SOUND in signals
        shared = tuple(tag for tag in asked_tags[nearest] if tag in held) if compared else ()
        answers.append(
            RecommendedTrack(
                track=heard.track,
                score=round(float(found.ranking.scores[number]), 6),
                tags=held,
                seed=seed,
                shared_tags=shared,
                layer_similarity=alike.get(number, {}),
                explanation=explain(alike.get(number, {}), shared, signals),
                signal_scores=signals,
            )
        )
    return RecommendationResult(seeds, tuple(answers))


def _seeds(asked: Asked, known: Mapping[str, CatalogueTrack]) -> tuple[CatalogueTrack, ...]:
    found = []
    for urn in asked.seeds:
        heard = known.get(urn)
        shown = heard is not None and heard.state is not State.FORGOTTEN
        if heard is None or not shown or (asked.taste is None and heard.state is not State.READY):
            raise SeedNotReady(urn, heard)
        found.append(heard)
    return tuple(found)


def _asked_tags(
    asked: Asked, known: Mapping[str, CatalogueTrack], usual: Sequence[float] | None
) -> list[tuple[str, ...]]:
    """Return the tags of each vector that is asked about, or those of the one track where there is none."""
    named = asked.urns or (asked.seeds if len(asked.seeds) == 1 else ())
    said = [known[urn].tag_probabilities if urn in known else None for urn in named] or [asked.said]
    return [tags.distinctive(each, usual) for each in said]


def _signals(ranking: Ranking, number: int) -> dict[Signal, float]:
    said: dict[Signal, float] = {SOUND: ranking.sound[number], TASTE: ranking.taste[number]}
    return {name: round(float(score), 6) for name, score in said.items() if not np.isnan(score)}


def _seed(found: _Found, number: int) -> str | None:
    """Name the track asked about that a candidate is most like; taste does not say of several which it was."""
    seeds = found.asked.seeds
    if len(seeds) == 1:
        return seeds[0]
    heard = not np.isnan(found.ranking.sound[number])
    return found.asked.urns[int(found.ranking.nearest[number])] if seeds and heard else None


def _alike(found: _Found, chosen: Sequence[int]) -> dict[int, dict[str, float]]:
    """Tell in which layers each chosen candidate is like the one vector asked about that it is most like."""
    alike: dict[int, dict[str, float]] = {}
    numbers = np.array([number for number in chosen if not np.isnan(found.ranking.sound[number])], dtype=np.int64)
    for nearest in np.unique(found.ranking.nearest[numbers]):
        mine = numbers[found.ranking.nearest[numbers] == nearest]
        shares = found.scale.layers.percentiles(found.asked.vectors[nearest], found.ranking.placed.vectors[mine])
        rounded = shares.astype(np.float64).round(3).tolist()
        for number, row in zip(mine.tolist(), rounded, strict=True):
            alike[number] = dict(zip(LAYERS, row, strict=False))
    return alike
