"""Titles and descriptions in whatever language: how long, how written, and by which letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from soundalike.transformers.column_transformer import PerColumnTransformer, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHAPES: Final = ("log_length", "log_words", "digits", "capitals")


class Texts(PerColumnTransformer):
    """log(1 + letters), log(1 + words), shares of digits and of capitals, and `ngrams` hashed groups of 2 to 4 letters.

    Groups of letters need no dictionary and no knowledge of the language; they are hashed, so `fit` learns
    nothing. A missing text counts as an empty one. `ngrams=0` leaves the groups out.
    """

    def __init__(self, *, ngrams: int = 64, sparse_output: bool = False) -> None:
        self.ngrams = ngrams
        self.sparse_output = sparse_output

    def _fit_column(self, values: Sequence[Any]) -> None:  # noqa: ARG002 - there is nothing to learn
        if self.ngrams < 0:
            raise ValueError("ngrams must be 0 or more")

    def _suffixes(self, state: None) -> list[str]:  # noqa: ARG002 - there is no state
        return [*_SHAPES, *(f"ngram{number}" for number in range(self.ngrams))]

    def _transform_column(self, values: Sequence[Any], state: None) -> Any:  # noqa: ARG002 - there is no state
        texts = ["" if is_missing(value) else str(value) for value in values]
        shapes = np.array([_shape(text) for text in texts], dtype=np.float64).reshape(len(texts), len(_SHAPES))
        if not self.ngrams:
            return sparse.csr_matrix(shapes) if self.sparse_output else shapes
        hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=self.ngrams, lowercase=True)
        features = sparse.hstack([sparse.csr_matrix(shapes), hashing.transform(texts)], format="csr")
        return features if self.sparse_output else features.toarray()


def _shape(text: str) -> tuple[float, float, float, float]:
    letters = max(1, len(text))
    return (
        float(np.log1p(len(text))),
        float(np.log1p(len(text.split()))),
        sum(letter.isdigit() for letter in text) / letters,
        sum(letter.isupper() for letter in text) / letters,
    )
