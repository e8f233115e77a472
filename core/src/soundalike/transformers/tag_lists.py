"""Tags of tracks, as lists or as the text in which SoundCloud sends them, to columns of ones and zeros."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from soundalike.soundcloud import tag_list
from soundalike.transformers.column_transformer import Columnwise, is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TagLists(Columnwise):
    """One column per tag: 1 where a track has it; tags are the same whatever their case and spacing.

    A cell is a list of tags, or SoundCloud's text with tags of several words in quotes. Learnt are the `most` tags
    that at least `least` tracks have, most frequent first; others are left out, and counted in `name_others`.
    """

    def __init__(self, *, least: int = 2, most: int = 200, sparse_output: bool = False) -> None:
        self.least = least
        self.most = most
        self.sparse_output = sparse_output

    def _learn(self, values: Sequence[Any]) -> tuple[str, ...]:
        if self.least < 1 or self.most < 1:
            raise ValueError("least and most must be at least 1")
        counts = Counter(tag for value in values for tag in folded_tags(value))
        frequent = sorted((tag for tag, count in counts.items() if count >= self.least), key=lambda t: (-counts[t], t))
        return tuple(frequent[: self.most])

    def _suffixes(self, learnt: tuple[str, ...]) -> list[str]:
        return [*learnt, "others"]

    def _make(self, values: Sequence[Any], learnt: tuple[str, ...]) -> Any:
        place_of = {tag: place for place, tag in enumerate(learnt)}
        made = sparse.lil_matrix((len(values), len(learnt) + 1))
        for row, value in enumerate(values):
            for tag in folded_tags(value):
                made[row, place_of.get(tag, len(learnt))] += 1.0
        return made.tocsr() if self.sparse_output else np.asarray(made.toarray(), dtype=np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Cells are no numbers, which is all that the checks of scikit-learn would hand over.
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
        raise TypeError(f"a cell of tags is a text or a list, not {type(value).__name__}")
    folded = (" ".join(str(tag).casefold().removeprefix("#").split()) for tag in tags)
    return tuple(dict.fromkeys(tag for tag in folded if tag))
