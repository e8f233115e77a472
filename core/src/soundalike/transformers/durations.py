"""How long a track is: a jingle, a song, an hour's mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_MINUTE_MS: Final = 60_000.0
_SHORTEST_S: Final = 1.0


class Durations(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Columns of milliseconds [n, c] to log2 of minutes, whether at most `short_s`, whether at least `long_s` seconds.

    What is shorter than a second counts as one, what is missing stays missing. Raises ValueError for lengths below 0.
    """

    def __init__(self, *, short_s: float = 60.0, long_s: float = 900.0) -> None:
        self.short_s = short_s
        self.long_s = long_s

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn the names of the columns."""
        self._read(X, reset=True)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Return float64 [n, 3 c]."""
        check_is_fitted(self)
        lengths = self._read(X, reset=False)
        missing = np.isnan(lengths)
        short = np.where(missing, np.nan, lengths <= self.short_s * 1000.0)
        long = np.where(missing, np.nan, lengths >= self.long_s * 1000.0)
        log_minutes = np.log2(np.maximum(lengths, _SHORTEST_S * 1000.0) / _MINUTE_MS)
        return np.stack([log_minutes, short, long], axis=2).reshape(len(lengths), -1)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray[np.object_]:
        """Return `name_log2_minutes`, `name_short` and `name_long` of every column."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array(
            [f"{name}_{what}" for name in names for what in ("log2_minutes", "short", "long")], dtype=object
        )

    def _read(self, data: ArrayLike, *, reset: bool) -> NDArray[np.float64]:
        lengths: NDArray[np.float64] = validate_data(
            self, data, dtype=np.float64, ensure_all_finite="allow-nan", reset=reset
        )
        if (lengths < 0).any():
            raise ValueError("Negative values in data passed to Durations: a length is 0 ms or more, or missing")
        return lengths

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = True
        return tags
