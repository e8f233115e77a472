"""From tracks to the tracks that sound like them: search widely, score exactly, then choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.api.errors import NotShown
from soundalike.api.explanation import LAYERS, SOUND, TASTE, Signal, sentence
from soundalike.api.offload import Workshop
from soundalike.api.ranking import Asked, rank
from soundalike.api.recommendation_query import By
from soundalike.api.reranking import choose
from soundalike.api.score_calibration import Scales
from soundalike.db.tracks import State
from soundalike.domain import tags

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.ranking import Ranking
    from soundalike.api.recommendation_query import Wishes
    from soundalike.api.repository import HeardTrack
    from soundalike.api.score_calibration import Scale
    from soundalike.api.snapshot import Snapshot
    from soundalike.db.tracks import Track
    from soundalike.similarity.taste.version import TasteVersion

    Lookup = Callable[[Sequence[str]], Awaitable[Mapping[str, HeardTrack]]]

_FEWEST: Final = 60
_OVER_FETCH: Final = 3
_OVER_FETCH_VARIED: Final = 10
_WIDENING: Final = 8
_SHORT_TAIL: Final = 4_096
# Whoever has this many candidates and still too few answers gets fewer; the request stays affordable.
WIDEST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One recommended track; `score` between 0 and 1.

    `seed` is the track asked about that it is most like, None for a recording that is no track; `shared_tags` and
    `alike` (by layer, the share of random pairs that are less alike) tell of these two, `why` says it in a sentence.
    `signals` are the scores of the signals that it came from, each alone.
    """

    track: Track
    score: float
    tags: tuple[str, ...]
    seed: str | None
    shared_tags: tuple[str, ...]
    alike: Mapping[str, float]
    why: str
    signals: Mapping[Signal, float]


@dataclass(frozen=True, slots=True)
class Answered:
    """The tracks that were asked about, in that order, and the answers, best first."""

    seeds: tuple[HeardTrack, ...]
    answers: tuple[Answer, ...]


class Recommender:
    """Answers requests; what takes more than a moment is done in threads."""

    def __init__(self) -> None:
        self._workshop = Workshop()
        self._scales = Scales()

    async def answer(
        self,
        lookup: Lookup,
        snapshot: Snapshot,
        urns: Sequence[str],
        wishes: Wishes,
        *,
        raw: Mapping[str, NDArray[np.float32]] | None = None,
        taste: TasteVersion | None = None,
    ) -> Answered:
        """Return at most `wishes.n` tracks that sound like `urns` (one or more, each once), best first.

        Never among them: a track that is asked about, another release of its recording, a recording twice, a track
        that is not ready, one that `wishes` does not admit. Fewer where the pool does not hold more. `raw` are raw
        vectors [D] of tracks that are not in the snapshot yet. `lookup` tells what is known of tracks, by URN; it is
        asked once unless filters eat most of the candidates. Raises `NotInSpace` for tracks without a vector, before
        anything is looked up, and `NotShown` for one that has a vector and is not ready. By taste (`wishes.by`) answers
        need not be ready, nor need the tracks that are asked about; raises `NoTaste` where nothing is known of these.
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
        wishes: Wishes,
        *,
        taste: TasteVersion | None,
        most: int,
    ) -> Answered:
        """Return tracks that go with somebody's favourites, of which at most `most` are compared by their sound.

        Raises `NoTaste` where nothing is known of any.
        """
        return await self._answer(
            lookup, snapshot, lambda: Asked.favorites(snapshot, urns, taste, wishes, most=most), wishes, single=False
        )

    async def answer_sound(
        self,
        lookup: Lookup,
        snapshot: Snapshot,
        vector: NDArray[np.float32],
        wishes: Wishes,
        *,
        said: Sequence[float] | None = None,
    ) -> Answered:
        """Return the tracks that sound like a recording with this raw vector [D] and tag probabilities `said` [50]."""
        return await self._answer(
            lookup, snapshot, lambda: Asked((), snapshot.project(vector[np.newaxis]), said), wishes, single=True
        )

    async def _answer(
        self, lookup: Lookup, snapshot: Snapshot, ask: Callable[[], Asked], wishes: Wishes, *, single: bool
    ) -> Answered:
        k = max(_FEWEST, (_OVER_FETCH_VARIED if wishes.diversity else _OVER_FETCH) * wishes.n)
        scale = self._scales.kept(snapshot)
        if scale is None:
            scale = await self._workshop.do_at_leisure(partial(self._scales.measure, snapshot))
        known: Mapping[str, HeardTrack] = {}
        looked_up: set[str] = set()
        while True:
            # One vector among an index and a short tail, a few answers: the usual question.
            short = single and k <= _FEWEST and len(snapshot.tail) <= _SHORT_TAIL
            found = await self._workshop.do(partial(_search, snapshot, scale, ask, wishes, k), short=short)
            for candidates in _portions(snapshot, found.ranking, wishes):
                asked = dict.fromkeys((*found.asked.urns, *found.asked.seeds, *candidates))
                if unseen := [urn for urn in asked if urn not in looked_up]:
                    found_now = await lookup(unseen)
                    known = {**known, **found_now} if known else found_now
                    looked_up.update(unseen)
                answered = await self._workshop.do(partial(_choose, snapshot, found, known, wishes), short=short)
                if len(answered.answers) == wishes.n:
                    return answered
            reach = max(snapshot.reach, len(found.asked.taste or ()))
            if found.ranking.ends or k >= min(reach, WIDEST):
                return answered
            k = min(k * _WIDENING, WIDEST)


def _portions(snapshot: Snapshot, ranking: Ranking, wishes: Wishes) -> list[tuple[str, ...]]:
    """Tell which candidates to look up at first, and which where these are not enough: half of the cost is there.

    All at once where many of the first will fall: in a small catalogue half of them are of one album.
    """
    first = _OVER_FETCH * wishes.n
    if wishes.diversity or wishes.only.asks_facts or snapshot.reach <= WIDEST or first >= len(ranking.urns):
        return [ranking.urns]
    return [ranking.urns[:first], ranking.urns]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    asked: Asked
    scale: Scale
    ranking: Ranking


def _search(snapshot: Snapshot, scale: Scale, ask: Callable[[], Asked], wishes: Wishes, k: int) -> _Found:
    asked = ask()
    ranking = rank(snapshot, scale.calibration, asked, wishes.only, k=k, min_score=wishes.min_score)
    return _Found(asked, scale, ranking)


def _choose(snapshot: Snapshot, found: _Found, known: Mapping[str, HeardTrack], wishes: Wishes) -> Answered:
    usual = snapshot.model.mean_tag_probabilities
    seeds = _seeds(found.asked, known)
    chosen = choose(
        found.asked,
        seeds,
        found.ranking,
        known,
        wishes,
        calibration=found.scale.calibration,
        usual=usual,
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
            Answer(
                track=heard.track,
                score=round(float(found.ranking.scores[number]), 6),
                tags=held,
                seed=seed,
                shared_tags=shared,
                alike=alike.get(number, {}),
                why=sentence(alike.get(number, {}), shared, signals),
                signals=signals,
            )
        )
    return Answered(seeds, tuple(answers))


def _seeds(asked: Asked, known: Mapping[str, HeardTrack]) -> tuple[HeardTrack, ...]:
    found = []
    for urn in asked.seeds:
        heard = known.get(urn)
        shown = heard is not None and heard.state is not State.FORGOTTEN
        if heard is None or not shown or (asked.taste is None and heard.state is not State.READY):
            raise NotShown(urn, heard)
        found.append(heard)
    return tuple(found)


def _asked_tags(asked: Asked, known: Mapping[str, HeardTrack], usual: Sequence[float] | None) -> list[tuple[str, ...]]:
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
        shares = found.scale.layers.shares(found.asked.vectors[nearest], found.ranking.placed.vectors[mine])
        rounded = shares.astype(np.float64).round(3).tolist()
        for number, row in zip(mine.tolist(), rounded, strict=True):
            alike[number] = dict(zip(LAYERS, row, strict=False))
    return alike
