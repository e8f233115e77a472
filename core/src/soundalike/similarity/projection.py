"""The projection from raw embeddings to the space that is searched, in plain NumPy.

Fitting lives in `transformers.embedding_projection` and needs scikit-learn; applying a fitted projection needs only
this module, so the API carries no scikit-learn.
"""

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soundalike.similarity.errors import InvalidProjection, InvalidVectors
from soundalike.storage.artifacts.arrays import read_arrays
from soundalike.storage.artifacts.errors import InvalidArray

FORMAT: Final = 1
_ARRAYS: Final = ("mean", "scale", "components", "eigenvalues")
_CHUNK_ROWS: Final = 16_384
# With numbers in between, what comes of a vector of 32-bit numbers, and its square, is a number too.
_SMALLEST: Final = 1e-30
_LARGEST: Final = 1e30
# Below this length a float64 result is rounding noise around the mean, and its direction means nothing.
_MIN_LENGTH: Final = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class Projection:
    """Z-score, rotate onto principal components, divide by eigenvalue ** exponent, scale to unit length.

    `mean` and `scale` are [D], `components` is [d, D], `eigenvalues` is [d]; all are float64 and read-only. An
    exponent of 0 leaves the variances as they are, 0.5 whitens fully, 0.25 is the half-whitening the project uses.
    Raises `InvalidProjection` when the arrays do not fit together, are not finite, or would divide by zero.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    components: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    exponent: float

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            object.__setattr__(self, name, _frozen_array(name, getattr(self, name)))
        object.__setattr__(self, "exponent", float(self.exponent))
        if self.mean.ndim != 1 or self.components.ndim != 2 or self.mean.size == 0 or self.components.size == 0:
            raise InvalidProjection(f"mean must be [D] and components [d, D], not {self._shapes()}")
        dimensions, inputs = self.components.shape
        if self.mean.shape != (inputs,) or self.scale.shape != (inputs,) or self.eigenvalues.shape != (dimensions,):
            raise InvalidProjection(f"the arrays of the projection do not fit together: {self._shapes()}")
        if not (self.scale > 0).all() or not (self.eigenvalues > 0).all():
            raise InvalidProjection("scale and eigenvalues must be greater than zero")
        if min(self.scale.min(), self.eigenvalues.min()) < _SMALLEST:
            raise InvalidProjection(f"scale and eigenvalues must not be less than {_SMALLEST:g}")
        if not 0.0 <= self.exponent <= 1.0:
            raise InvalidProjection(f"the exponent must lie between 0 and 1, not {self.exponent}")

    @property
    def input_dimensions(self) -> int:
        """Length of a raw vector."""
        return int(self.components.shape[1])

    @property
    def dimensions(self) -> int:
        """Length of a projected vector."""
        return int(self.components.shape[0])

    @classmethod
    def identity(cls, dimensions: int) -> Self:
        """Return the projection that only scales to unit length, for when there is too little to fit on."""
        ones = np.ones(dimensions)
        return cls(mean=np.zeros(dimensions), scale=ones, components=np.eye(dimensions), eigenvalues=ones, exponent=0.0)

    def apply(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """Project raw vectors [n, D] to float32 [n, d] of unit length.

        A vector that equals the mean (for the identity: a zero vector) has no direction; it becomes the zero vector,
        whose cosine with everything is 0. Raises `InvalidVectors` for another shape or values that are not finite.
        """
        raw = np.asarray(vectors)
        if raw.ndim != 2 or raw.shape[1] != self.input_dimensions:
            raise InvalidVectors(f"expected vectors [n, {self.input_dimensions}], got {list(raw.shape)}")
        projected = np.empty((raw.shape[0], self.dimensions), dtype=np.float32)
        for start in range(0, raw.shape[0], _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            projected[rows] = self.apply_exactly(np.asarray(raw[rows], dtype=np.float64))
        return projected

    def apply_exactly(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project raw vectors [n, D] to float64 [n, d] of unit length; raises as `apply` does."""
        if not np.isfinite(vectors).all():
            raise InvalidVectors("the vectors hold values that are not finite")
        rotated = ((vectors - self.mean) / self.scale) @ self.components.T
        return unit_length(rotated / self.eigenvalues**self.exponent)

    def to_bytes(self) -> bytes:
        """Return the projection as the bytes of an .npz file of plain arrays."""
        buffer = BytesIO()
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        np.savez(buffer, format=np.int64(FORMAT), exponent=np.float64(self.exponent), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote, unpickling nothing; raises `InvalidProjection` for anything else."""
        try:
            arrays = read_arrays(content, {"format", "exponent", *_ARRAYS})
        except InvalidArray as error:
            raise InvalidProjection(f"not a projection file: {error}") from error
        if arrays["format"].shape != () or arrays["format"] != FORMAT:
            raise InvalidProjection(f"projection format {arrays['format']} is not {FORMAT}; update the program")
        if arrays["exponent"].shape != () or arrays["exponent"].dtype.kind != "f":
            raise InvalidProjection("the exponent of the projection must be one number")
        return cls(exponent=float(arrays["exponent"]), **{name: arrays[name] for name in _ARRAYS})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the projection to an .npz file of plain arrays."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote; raises `InvalidProjection` for anything else, `OSError` if it is not there."""
        return cls.from_bytes(Path(path).read_bytes())

    def _shapes(self) -> str:
        return ", ".join(f"{name} {list(getattr(self, name).shape)}" for name in _ARRAYS)


def unit_length(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale the rows of [..., d] to unit length; a row without a direction becomes zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    has_direction = lengths > _MIN_LENGTH
    return np.where(has_direction, vectors, 0.0) / np.where(has_direction, lengths, 1.0)


def _frozen_array(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise InvalidProjection(f"{name} must hold numbers, not {array.dtype}")
    array = np.array(array, dtype=np.float64, order="C")
    if not np.isfinite(array).all():
        raise InvalidProjection(f"{name} holds values that are not finite")
    if array.size and max(array.max(), -array.min()) > _LARGEST:
        raise InvalidProjection(f"{name} holds values beyond {_LARGEST:g}")
    array.flags.writeable = False
    return array
