"""A column that holds a vector in each cell, as the database gives embeddings, to a column per number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.transformers.column_transformer import Columnwise, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Unpacking(Columnwise):
    """The numbers of each cell's vector side by side: `name_0`, `name_1`, …; a missing cell gives missing numbers.

    Learnt is how long the vectors are. Raises ValueError for a vector of another length, or when `fit` sees none.
    """

    def _learn(self, values: Sequence[Any]) -> int:
        lengths = {len(_vector(value)) for value in values if not is_missing(value)}
        if len(lengths) != 1:
            found = "none" if not lengths else ", ".join(map(str, sorted(lengths)))
            raise ValueError(f"the vectors of a column have one length; found: {found}")
        return lengths.pop()

    def _suffixes(self, learnt: int) -> list[str]:
        return [str(number) for number in range(learnt)]

    def _make(self, values: Sequence[Any], learnt: int) -> NDArray[np.float64]:
        made = np.full((len(values), learnt), np.nan)
        for row, value in enumerate(values):
            if is_missing(value):
                continue
            vector = _vector(value)
            if len(vector) != learnt:
                raise ValueError(f"row {row} holds a vector of {len(vector)} numbers, not {learnt}")
            made[row] = vector
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Cells are no numbers, which is all that the checks of scikit-learn would hand over.
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _vector(value: Any) -> NDArray[np.float64]:
    vector = np.asarray(value, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"a cell holds a vector, not {vector.ndim} dimensions")
    return vector
