"""Who favourites what, as a sparse matrix of users by tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Interactions(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Pairs of user and track, a DataFrame [n, 2] in that order, to ones in a sparse matrix float32 [users, tracks].

    `fit` learns the users and the tracks, in the order of their names; pairs with others are left out. The result has a
    row a user, not a row a pair: it is the first step of a Pipeline, or stands alone.
    Fitted: `users_`, `tracks_`. Raises ValueError for other than two columns, and for missing names.
    """

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn the users and the tracks."""
        pairs = self._read(X, reset=True)
        self.users_ = np.unique(pairs[:, 0])
        self.tracks_ = np.unique(pairs[:, 1])
        return self

    def transform(self, X: Any) -> sparse.csr_matrix:  # noqa: N803 - scikit-learn's name
        """Return the matrix; a pair that occurs twice counts once."""
        check_is_fitted(self)
        pairs = self._read(X, reset=False)
        rows, known_users = _positions(self.users_, pairs[:, 0])
        columns, known_tracks = _positions(self.tracks_, pairs[:, 1])
        known = known_users & known_tracks
        ones = np.ones(int(known.sum()), dtype=np.float32)
        matrix = sparse.csr_matrix((ones, (rows[known], columns[known])), shape=(len(self.users_), len(self.tracks_)))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the tracks."""
        check_is_fitted(self)
        return np.asarray(self.tracks_, dtype=object)

    def _read(self, data: Any, *, reset: bool) -> NDArray[np.str_]:
        validate_data(self, data, skip_check_array=True, reset=reset)
        pairs = np.asarray(data, dtype=object)
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise ValueError(f"expected pairs of user and track, got an array of shape {list(pairs.shape)}")
        if pd.isna(pairs).any():
            raise ValueError("a pair lacks its user or its track")
        return pairs.astype(str)


def _positions(names: NDArray[np.str_], targets: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    positions = np.minimum(np.searchsorted(names, targets), len(names) - 1)
    return positions, names[positions] == targets
