"""Tags of tracks, as lists or as the text in which SoundCloud sends them, to columns of ones and zeros."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from soundalike.soundcloud import tag_list
from soundalike.transformers.column_transformer import PerColumnTransformer, is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TagLists(PerColumnTransformer):
    """One column per tag: 1 where a track has it; tags are the same whatever their case and spacing.

    A cell is a list of tags, or SoundCloud's text with tags of several words in quotes. `fit` learns the
    `max_tags` most frequent tags that at least `min_count` tracks have; `name_others` counts the others of a track.
    """

    def __init__(self, *, min_count: int = 2, max_tags: int = 200, sparse_output: bool = False) -> None:
        self.min_count = min_count
        self.max_tags = max_tags
        self.sparse_output = sparse_output

    def _fit_column(self, values: Sequence[Any]) -> tuple[str, ...]:
        if self.min_count < 1 or self.max_tags < 1:
            raise ValueError("min_count and max_tags must be at least 1")
        counts = Counter(tag for value in values for tag in folded_tags(value))
        frequent = sorted(
            (tag for tag, count in counts.items() if count >= self.min_count), key=lambda t: (-counts[t], t)
        )
        return tuple(frequent[: self.max_tags])

    def _suffixes(self, vocabulary: tuple[str, ...]) -> list[str]:
        return [*vocabulary, "others"]

    def _transform_column(self, values: Sequence[Any], vocabulary: tuple[str, ...]) -> Any:
        column_of = {tag: column for column, tag in enumerate(vocabulary)}
        features = sparse.lil_matrix((len(values), len(vocabulary) + 1))
        for row, value in enumerate(values):
            for tag in folded_tags(value):
                features[row, column_of.get(tag, len(vocabulary))] += 1.0
        return features.tocsr() if self.sparse_output else np.asarray(features.toarray(), dtype=np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # The checks of scikit-learn pass cells of numbers only.
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def folded_tags(value: Any) -> tuple[str, ...]:
    """Return the tags of a cell, each once, folded; a missing cell has none. Raises TypeError for other cells."""
    if is_missing(value):
        return ()
    if isinstance(value, str):
        tags: Iterable[Any] = tag_list.split(value)
    elif isinstance(value, list | tuple | set | frozenset | np.ndarray):
        tags = value
    else:
        raise TypeError(f"expected a cell of tags to be a text or a list, not {type(value).__name__}")
    folded = (" ".join(str(tag).casefold().removeprefix("#").split()) for tag in tags)
    return tuple(dict.fromkeys(tag for tag in folded if tag))
