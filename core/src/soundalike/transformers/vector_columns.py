"""A column of vectors, such as embeddings, to a column per number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.transformers.column_transformer import PerColumnTransformer, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class VectorColumns(PerColumnTransformer):
    """The numbers of each cell's vector side by side: `name_0`, `name_1`, …; a missing cell gives missing numbers.

    `fit` learns the length of the vectors. Raises ValueError for a vector of another length, or when `fit` sees none.
    """

    def _fit_column(self, values: Sequence[Any]) -> int:
        lengths = {len(_vector(value)) for value in values if not is_missing(value)}
        if len(lengths) != 1:
            lengths_text = "none" if not lengths else ", ".join(map(str, sorted(lengths)))
            raise ValueError(f"the vectors of a column must have the same length; found {lengths_text}")
        return lengths.pop()

    def _suffixes(self, length: int) -> list[str]:
        return [str(number) for number in range(length)]

    def _transform_column(self, values: Sequence[Any], length: int) -> NDArray[np.float64]:
        features = np.full((len(values), length), np.nan)
        for row, value in enumerate(values):
            if is_missing(value):
                continue
            vector = _vector(value)
            if len(vector) != length:
                raise ValueError(f"row {row} has a vector of {len(vector)} numbers, not {length}")
            features[row] = vector
        return features

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # The checks of scikit-learn pass cells of numbers only.
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _vector(value: Any) -> NDArray[np.float64]:
    vector = np.asarray(value, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"expected a vector in each cell, not an array of {vector.ndim} dimensions")
    return vector
