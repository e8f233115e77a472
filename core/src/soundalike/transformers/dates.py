"""When something was published: how long ago, and when in the year and week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from soundalike.transformers.column_transformer import PerColumnTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SECONDS_A_DAY: Final = 86_400.0
_DAYS_A_YEAR: Final = 365.2425
_SUFFIXES: Final = ("log_age_days", "year_sin", "year_cos", "week_sin", "week_cos")


class Dates(PerColumnTransformer):
    """log(1 + age in days) at the latest date that `fit` saw, and day of year and day of week as points on a circle.

    A cell is a date, or a text that pandas reads as one; it counts as UTC where it names no zone. What is later than
    that date is 0 days old. Missing dates give missing features.
    """

    def _fit_column(self, values: Sequence[Any]) -> pd.Timestamp:
        latest: pd.Timestamp = read_dates(values).max()
        return latest

    def _suffixes(self, latest_date: pd.Timestamp) -> tuple[str, ...]:  # noqa: ARG002 - the same for every column
        return _SUFFIXES

    def _transform_column(self, values: Sequence[Any], latest_date: pd.Timestamp) -> NDArray[np.float64]:
        dates = read_dates(values)
        age = np.maximum((latest_date - dates).dt.total_seconds().to_numpy(dtype=np.float64) / _SECONDS_A_DAY, 0.0)
        year_angle = 2 * np.pi * dates.dt.day_of_year.to_numpy(dtype=np.float64, na_value=np.nan) / _DAYS_A_YEAR
        week_angle = 2 * np.pi * dates.dt.day_of_week.to_numpy(dtype=np.float64, na_value=np.nan) / 7.0
        return np.column_stack(
            [np.log1p(age), np.sin(year_angle), np.cos(year_angle), np.sin(week_angle), np.cos(week_angle)]
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # The checks of scikit-learn pass cells of numbers only.
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def read_dates(values: Sequence[Any]) -> pd.Series:
    """Return dates and texts of dates as a Series of UTC dates [n]; raises ValueError for a text that is none."""
    return pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="mixed")
