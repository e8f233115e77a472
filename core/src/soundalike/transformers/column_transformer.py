"""The base of transformers that turn each column of a DataFrame into features of its own."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class PerColumnTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Learns a state from each column and turns the column into features [n, k]; those stand side by side, in order.

    `X` is a DataFrame [n, c], a Series, or a two-dimensional array, whose columns are then called `x0`, `x1`, ….
    The features of a column `name` are called `name_…`. Subclasses say what the state and the features are.
    """

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn from every column."""
        columns = self._read(X, reset=True)
        self.states_ = [self._fit_column(values) for _, values in columns]
        self._features_of = [
            [f"{name}_{suffix}" for suffix in self._suffixes(state)]
            for (name, _), state in zip(columns, self.states_, strict=True)
        ]
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Make the features of every column, float64 [n, sum of k], or a sparse matrix where the class says so."""
        check_is_fitted(self)
        columns = self._read(X, reset=False)
        features = [
            self._transform_column(values, state) for (_, values), state in zip(columns, self.states_, strict=True)
        ]
        if any(sparse.issparse(part) for part in features):
            return sparse.hstack(features, format="csr")
        return np.hstack(features)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray[np.object_]:
        """Return the names of the features; `input_features`, where given, must be the columns of `fit`."""
        check_is_fitted(self)
        if input_features is not None and list(input_features) != self._column_names():
            raise ValueError("input_features is not equal to feature_names_in_")
        return np.array([name for names in self._features_of for name in names], dtype=object)

    @abstractmethod
    def _fit_column(self, values: Sequence[Any]) -> Any:
        """Return the state of one column."""

    @abstractmethod
    def _suffixes(self, state: Any) -> Sequence[str]:
        """Return the suffixes of the names of a column's features."""

    @abstractmethod
    def _transform_column(self, values: Sequence[Any], state: Any) -> Any:
        """Return the features [n, k] of one column."""

    def _read(self, data: Any, *, reset: bool) -> list[tuple[str, list[Any]]]:
        if isinstance(data, pd.Series):
            data = data.to_frame()
        cells = validate_data(self, data, dtype=object, ensure_all_finite=False, reset=reset)
        if any(isinstance(cell, complex | np.complexfloating) for cell in cells[:, 0]):
            raise ValueError("Complex data not supported")
        return [(name, cells[:, number].tolist()) for number, name in enumerate(self._column_names())]

    def _column_names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return [str(name) for name in names] if names is not None else [f"x{i}" for i in range(self.n_features_in_)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def is_missing(value: Any) -> bool:
    """Tell whether a cell is empty: None, NaN or NaT."""
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
