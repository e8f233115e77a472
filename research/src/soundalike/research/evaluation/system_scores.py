"""One system against one corpus: every measure's number for every track."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.research.evaluation.corpus import asked
from soundalike.research.evaluation.errors import NothingToJudge
from soundalike.research.evaluation.folds import link
from soundalike.research.evaluation.hubness import occurrences
from soundalike.research.evaluation.measures import TOP
from soundalike.research.evaluation.metrics import average_precision, ndcg_at, precision_at
from soundalike.research.evaluation.projection_fit import Space, Training, as_is, held_out
from soundalike.research.evaluation.ranking import cosines, order_others, ranks_of_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from soundalike.research.evaluation.corpus import Labels
    from soundalike.research.evaluation.projection_fit import Fit

    Vectors = NDArray[np.floating]

FOLDS: Final = 5
_BLOCK_VALUES: Final = 16_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """By measure float64 [n], NaN where a track was not asked; and what was chosen in fitting, fold by fold."""

    values: Mapping[str, NDArray[np.float64]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The labels of n tracks, ready to be asked about: `album_asked`, `artist_asked` bool [n], `groups` int64 [n]."""

    labels: Labels
    album_asked: NDArray[np.bool_]
    artist_asked: NDArray[np.bool_]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Labels) -> Corpus:
        """Check that there is something to judge; raises `NothingToJudge`."""
        album_asked, artist_asked = asked(labels.albums), asked(labels.artists)
        albums = len(np.unique(labels.albums[album_asked]))
        if albums < 2:
            raise NothingToJudge(
                f"{albums} album(s) with at least three tracks were heard; at least two are needed to judge by"
            )
        if len(labels.albums) <= TOP + 1:
            raise NothingToJudge(f"{len(labels.albums)} tracks are too few for lists of {TOP} that leave anything out")
        return cls(labels, album_asked, artist_asked, link(labels.albums, labels.artists))


def judge(
    corpus: Corpus, original: Vectors, changed: Mapping[str, Vectors], fit: Fit | None, *, seed: int
) -> Judgement:
    """Measure vectors [n, D] of all tracks, and those of changed versions (rows of NaN where there is none).

    What `fit` learns for a track, it learns from albums and artists that are not this track's. Raises `NothingToJudge`
    where all albums hang together by their artists, so that nothing could be fitted.
    """
    count = len(original)
    values = {
        key: np.full(count, np.nan)
        for key in ("map", "map_artist", "p_at_1", "p_at_5", "p_at_10", "ndcg_at_10", *(f"{v}_rank" for v in changed))
    }
    top = np.empty((count, TOP), dtype=np.int64)
    notes = []
    for rows, space in _spaces(corpus, original, fit, seed):
        if space.note:
            notes.append(space.note)
        placed = space.place(original)
        for block in _blocks(rows, count):
            order = order_others(cosines(placed[block], placed), block, corpus.labels.tie_order)
            top[block] = order[:, :TOP]
            _judge_block(corpus, block, order, values)
            for version, vectors in changed.items():
                there = block[np.isfinite(vectors[block]).all(axis=1)]
                if len(there):
                    ranks = ranks_of_own(cosines(space.place(vectors[there]), placed), there)
                    values[f"{version}_rank"][there] = ranks
    for version in changed:
        ranks = values[f"{version}_rank"]
        values[f"{version}_first"] = np.where(np.isnan(ranks), np.nan, ranks == 1)
    values["map_of_albums"] = values["map"]
    frequency = occurrences(top, count).astype(np.float64)
    values |= {"n10_skewness": frequency, "n10_largest": frequency}
    values |= {"never_recommended": (frequency == 0) * 1.0, "coverage_at_10": (frequency > 0) * 1.0}
    return Judgement(values, tuple(notes))


def _spaces(corpus: Corpus, original: Vectors, fit: Fit | None, seed: int) -> Iterator[tuple[NDArray[np.int64], Space]]:
    if fit is None:
        yield np.arange(len(original)), Space(as_is)
        return
    groups = len(np.unique(corpus.groups))
    if groups < 2:
        raise NothingToJudge("all albums hang together by their artists, so nothing can be fitted on other music")
    everything = Training(original, corpus.labels.albums, corpus.groups)
    yield from held_out(everything, partial(fit, seed=seed), min(FOLDS, groups), seed)


def _judge_block(
    corpus: Corpus, block: NDArray[np.int64], order: NDArray[np.int64], values: Mapping[str, NDArray[np.float64]]
) -> None:
    labels = corpus.labels
    within = corpus.album_asked[block]
    queries = block[within]
    if len(queries):
        relevant = labels.albums[order[within]] == labels.albums[queries, np.newaxis]
        values["map"][queries] = average_precision(relevant)
        values["ndcg_at_10"][queries] = ndcg_at(relevant, TOP)
        for k in (1, 5, TOP):
            values[f"p_at_{k}"][queries] = precision_at(relevant, k)
    within = corpus.artist_asked[block]
    queries = block[within]
    if len(queries):
        relevant = labels.artists[order[within]] == labels.artists[queries, np.newaxis]
        values["map_artist"][queries] = average_precision(relevant)


def _blocks(rows: NDArray[np.int64], count: int) -> Iterator[NDArray[np.int64]]:
    """Divide the queries so that their similarities to all `count` tracks fit into memory."""
    size = max(1, _BLOCK_VALUES // count)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
