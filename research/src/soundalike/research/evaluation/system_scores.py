"""The scores of one system on one corpus: every measure for every track."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.research.evaluation.corpus import is_query
from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.folds import link
from soundalike.research.evaluation.hubness import occurrences
from soundalike.research.evaluation.measures import TOP
from soundalike.research.evaluation.metrics import average_precision, ndcg_at, precision_at
from soundalike.research.evaluation.projection_fit import EmbeddingSpace, TrainingVectors, cross_validate, identity
from soundalike.research.evaluation.ranking import cosines, order_others, self_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from soundalike.research.evaluation.corpus import Labels
    from soundalike.research.evaluation.projection_fit import SpaceFit

    Vectors = NDArray[np.floating]

FOLDS: Final = 5
_BLOCK_VALUES: Final = 16_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SystemScores:
    """By measure float64 [n], NaN where a track is no query; and what was selected in fitting, fold by fold."""

    values: Mapping[str, NDArray[np.float64]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class QuerySet:
    """The labels of n tracks; `album_queries`, `artist_queries` bool [n] say which are queries; `groups` int64 [n]."""

    labels: Labels
    album_queries: NDArray[np.bool_]
    artist_queries: NDArray[np.bool_]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Labels) -> QuerySet:
        """Check that there is something to measure; raises `TooLittleData`."""
        album_queries, artist_queries = is_query(labels.albums), is_query(labels.artists)
        albums = len(np.unique(labels.albums[album_queries]))
        if albums < 2:
            raise TooLittleData(
                f"{albums} album(s) with at least three tracks were extracted; at least two are required"
            )
        if len(labels.albums) <= TOP + 1:
            raise TooLittleData(f"{len(labels.albums)} tracks are too few for lists of {TOP}")
        return cls(labels, album_queries, artist_queries, link(labels.albums, labels.artists))


def measure_system(
    corpus: QuerySet, original: Vectors, changed: Mapping[str, Vectors], fit: SpaceFit | None, *, seed: int
) -> SystemScores:
    """Measure vectors [n, D] of all tracks, and those of distorted versions (rows of NaN where there is none).

    The fit for a track is trained on albums and artists that are not this track's. Raises `TooLittleData`
    where all albums are connected by their artists, so that nothing could be fitted.
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
        transformed = space.transform(original)
        for block in _blocks(rows, count):
            order = order_others(cosines(transformed[block], transformed), block, corpus.labels.tie_order)
            top[block] = order[:, :TOP]
            _score_block(corpus, block, order, values)
            for version, vectors in changed.items():
                present = block[np.isfinite(vectors[block]).all(axis=1)]
                if len(present):
                    ranks = self_ranks(cosines(space.transform(vectors[present]), transformed), present)
                    values[f"{version}_rank"][present] = ranks
    for version in changed:
        ranks = values[f"{version}_rank"]
        values[f"{version}_first"] = np.where(np.isnan(ranks), np.nan, ranks == 1)
    values["map_of_albums"] = values["map"]
    frequency = occurrences(top, count).astype(np.float64)
    values |= {"n10_skewness": frequency, "n10_largest": frequency}
    values |= {"never_recommended": (frequency == 0) * 1.0, "coverage_at_10": (frequency > 0) * 1.0}
    return SystemScores(values, tuple(notes))


def _spaces(
    corpus: QuerySet, original: Vectors, fit: SpaceFit | None, seed: int
) -> Iterator[tuple[NDArray[np.int64], EmbeddingSpace]]:
    if fit is None:
        yield np.arange(len(original)), EmbeddingSpace(identity)
        return
    groups = len(np.unique(corpus.groups))
    if groups < 2:
        raise TooLittleData("all albums are connected by their artists, so nothing can be fitted on other music")
    everything = TrainingVectors(original, corpus.labels.albums, corpus.groups)
    yield from cross_validate(everything, partial(fit, seed=seed), min(FOLDS, groups), seed)


def _score_block(
    corpus: QuerySet, block: NDArray[np.int64], order: NDArray[np.int64], values: Mapping[str, NDArray[np.float64]]
) -> None:
    labels = corpus.labels
    within = corpus.album_queries[block]
    queries = block[within]
    if len(queries):
        relevant = labels.albums[order[within]] == labels.albums[queries, np.newaxis]
        values["map"][queries] = average_precision(relevant)
        values["ndcg_at_10"][queries] = ndcg_at(relevant, TOP)
        for k in (1, 5, TOP):
            values[f"p_at_{k}"][queries] = precision_at(relevant, k)
    within = corpus.artist_queries[block]
    queries = block[within]
    if len(queries):
        relevant = labels.artists[order[within]] == labels.artists[queries, np.newaxis]
        values["map_artist"][queries] = average_precision(relevant)


def _blocks(rows: NDArray[np.int64], count: int) -> Iterator[NDArray[np.int64]]:
    """Divide the queries so that their similarities to all `count` tracks fit into memory."""
    size = max(1, _BLOCK_VALUES // count)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
