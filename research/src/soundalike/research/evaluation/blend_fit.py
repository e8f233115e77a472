"""Blocks of one vector, each projected by itself, then weighted.

A weighted sum of cosines is one cosine of scaled, concatenated unit vectors, so a blend is searched like any vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soundalike.research.evaluation.projection_fit import EmbeddingSpace, TrainingVectors
from soundalike.similarity.projection import unit_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.research.evaluation.projection_fit import SpaceFit

    Vectors = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class BlendBlock:
    """The next `width` numbers of a vector: what is fitted to them, and the length that they get."""

    width: int
    weight: float
    fit: SpaceFit


@dataclass(frozen=True, slots=True)
class BlendFit:
    """Fits every block on the same training tracks."""

    blocks: tuple[BlendBlock, ...]

    def __call__(self, training: TrainingVectors, seed: int) -> EmbeddingSpace:
        """Fit all blocks; their notes are joined."""
        spaces = [
            block.fit(TrainingVectors(part, training.albums, training.groups), seed)
            for block, part in zip(self.blocks, self._parts(training.vectors), strict=True)
        ]

        def transform(vectors: Vectors) -> Vectors:
            return np.hstack(
                [
                    block.weight * unit_length(np.asarray(space.transform(part), dtype=np.float64))
                    for block, space, part in zip(self.blocks, spaces, self._parts(vectors), strict=True)
                ]
            )

        return EmbeddingSpace(transform, note=", ".join(space.note for space in spaces if space.note))

    def _parts(self, vectors: Vectors) -> list[Vectors]:
        ends = np.cumsum([block.width for block in self.blocks])
        if vectors.shape[1] != ends[-1]:
            raise ValueError(f"blocks of {ends[-1]} numbers do not divide a vector of {vectors.shape[1]}")
        return np.split(vectors, ends[:-1], axis=1)
