"""Fitting the projection of the embedding space, as a scikit-learn transformer."""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from soundalike.similarity.projection import Projection

# A feature that varies by less than float32 rounding of its own size is a constant with noise on it.
_CONSTANT: Final = 1e-7
_RANK_TOLERANCE: Final = 1e-9


class EmbeddingProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Z-score, principal components, divide by eigenvalue ** exponent, unit length; `X` is [n, D], the result [n, d].

    Few samples: the n - 1 principal components of n < D samples describe the samples better than the space, and
    dividing by their smallest eigenvalues would blow noise up. So the eigenvalues are drawn towards their mean with
    the weight D / (n + D) (`shrinkage="auto"`; a number between 0 and 1 fixes the weight), and directions in which
    the samples do not vary are kept with that mean, since tracks that come later do vary there. With many samples
    this is plain PCA. On the 401 tracks of a corpus of game soundtracks it ranked a track's album at least as well
    as dropping components did, at every size of sample from 12 up, and best among tracks it was not fitted on.

    Parameters: `components` is the most dimensions to keep, `exponent` 0.25 is half-whitening, 0.5 whitens fully.
    Fitted: `projection_` (a `similarity.projection.Projection`), `n_features_in_`, `shrinkage_`.
    Raises ValueError for parameters out of range, fewer than 2 samples, or values that are not finite.
    """

    def __init__(self, components: int = 128, exponent: float = 0.25, *, shrinkage: float | str = "auto") -> None:
        self.components = components
        self.exponent = exponent
        self.shrinkage = shrinkage

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn means, scales and principal components from [n, D] with n >= 2."""
        if self.components < 1:
            raise ValueError(f"components must be at least 1, not {self.components}")
        if not 0.0 <= self.exponent <= 1.0:
            raise ValueError(f"exponent must lie between 0 and 1, not {self.exponent}")
        samples = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        samples = np.asarray(samples, dtype=np.float64)
        self.shrinkage_ = self._shrinkage_for(*samples.shape)
        mean, scale = samples.mean(axis=0), samples.std(axis=0)
        scale[scale <= _CONSTANT * np.abs(samples).max(axis=0)] = 1.0
        eigenvalues, components = _principal_components((samples - mean) / scale)
        eigenvalues = (1.0 - self.shrinkage_) * eigenvalues + self.shrinkage_ * eigenvalues.mean()
        if eigenvalues[0] == 0.0:  # every sample is the same; nothing is known about any direction
            eigenvalues = np.ones_like(eigenvalues)
        count = min(self.components, int(np.count_nonzero(eigenvalues > _RANK_TOLERANCE * eigenvalues[0])))
        self.projection_ = Projection(
            mean=mean,
            scale=scale,
            components=components[:count],
            eigenvalues=eigenvalues[:count],
            exponent=self.exponent,
        )
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """Project [n, D] to [n, d] of unit length, float32 for float32 and float64 otherwise."""
        check_is_fitted(self)
        samples = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        projected = self.projection_.apply_exactly(np.asarray(samples, dtype=np.float64))
        return projected.astype(samples.dtype, copy=False)

    @property
    def _n_features_out(self) -> int:
        return self.projection_.dimensions

    def _shrinkage_for(self, count: int, dimensions: int) -> float:
        if self.shrinkage == "auto":
            return dimensions / (count + dimensions)
        if isinstance(self.shrinkage, str) or not 0.0 <= self.shrinkage <= 1.0:
            raise ValueError(f'shrinkage must be "auto" or lie between 0 and 1, not {self.shrinkage!r}')
        return float(self.shrinkage)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _principal_components(standardised: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all D eigenvalues [D], largest first, and unit eigenvectors [D, D] of centred samples [n, D].

    The sign of a component is free; its entry of largest magnitude is made positive, so that two fits agree.
    """
    covariance = standardised.T @ standardised / (standardised.shape[0] - 1)
    ascending, columns = np.linalg.eigh(covariance)
    eigenvalues, components = np.maximum(ascending[::-1], 0.0), columns.T[::-1]
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return eigenvalues, components * signs[:, np.newaxis]
