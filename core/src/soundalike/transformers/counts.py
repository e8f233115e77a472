"""Counts, such as plays and likes, to features of similar size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from soundalike.transformers.dates import read_dates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_SECONDS_A_DAY: Final = 86_400.0


class LogCounts(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """log(1 + count) of every column; a missing count stays missing. `X` is [n, c], so is the result.

    Raises ValueError for counts below zero.
    """

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn the names of the columns."""
        _read_counts(self, X, reset=True)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Take the logarithm, float64 [n, c]."""
        check_is_fitted(self)
        return np.log1p(_read_counts(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = True
        return tags


class DailyRates(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """log(1 + count / days) for columns of counts, between two columns of dates.

    `X` is a DataFrame; `since` names the column with the date of publication, `until` the one with the date of
    counting, or is None for the latest date in `since` that `fit` saw. A track counts as at least one day old. Where a
    count or a date is missing, so is its rate. Raises ValueError for a missing column and for counts below zero.
    """

    def __init__(self, *, since: str = "published_at", until: str | None = None) -> None:
        self.since = since
        self.until = until

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn which columns hold counts, and the latest date."""
        self._check_columns(X)
        validate_data(self, X, skip_check_array=True)
        self.counts_ = [str(name) for name in X.columns if name not in {self.since, self.until}]
        self.latest_ = read_dates(X[self.since].tolist()).max()
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Return the rates, float64 [n, number of counts]."""
        check_is_fitted(self)
        self._check_columns(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        since = read_dates(X[self.since].tolist())
        until = self.latest_ if self.until is None else read_dates(X[self.until].tolist())
        days = (until - since).dt.total_seconds().to_numpy(dtype=np.float64) / _SECONDS_A_DAY
        counts = _not_negative(X[self.counts_].to_numpy(dtype=np.float64, na_value=np.nan))
        rates: NDArray[np.float64] = np.log1p(counts / np.maximum(days, 1.0)[:, np.newaxis])
        return rates

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return `name_per_day` of every count."""
        check_is_fitted(self)
        return np.array([f"{name}_per_day" for name in self.counts_], dtype=object)

    def _check_columns(self, frame: Any) -> None:
        if not isinstance(frame, pd.DataFrame):
            raise ValueError(f"expected a DataFrame with the dates' columns, got {type(frame).__name__}")  # noqa: TRY004
        if missing := [name for name in (self.since, self.until) if name is not None and name not in frame.columns]:
            raise ValueError(f"the DataFrame has no column {' and no '.join(missing)}")


def _read_counts(estimator: BaseEstimator, data: ArrayLike, *, reset: bool) -> NDArray[np.float64]:
    counts = validate_data(estimator, data, dtype=np.float64, ensure_all_finite="allow-nan", reset=reset)
    return _not_negative(counts)


def _not_negative(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    if (counts < 0).any():
        # The words by which scikit-learn knows that negative numbers were refused on purpose.
        raise ValueError("Negative values in data passed to counts: a count is 0 or more, or missing")
    return counts
