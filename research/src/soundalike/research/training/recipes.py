"""The recipes of training, one of which is selected on validation albums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from soundalike.extractor.architecture import LAYERS


@dataclass(frozen=True, slots=True)
class Recipe:
    """The losses of the student, and how long and fast it is trained.

    `features`: to let the teacher's means be read off by a linear map; `neighbours`: to have the neighbours that the
    teacher's and Choi's vectors together have (`choi_share` of the cosine is Choi's); `same_track`, `same_album`: to
    bring together what belongs together. `hybrids` is the share of every batch that nobody recorded. `frozen` is how
    many blocks stay as they are; with all five only the projection is learnt. `way` is how far the result
    lies on the straight way from where training began to where it ended (Wortsman et al. 2022: networks between the
    two do better on music unlike what was learnt from).
    """

    name: str
    features: float = 1.0
    neighbours: float = 1.0
    same_track: float = 0.0
    same_album: float = 0.0
    choi_share: float = 0.4
    temperature: float = 0.1
    hybrids: float = 0.5
    frozen: int = 3
    way: float = 1.0
    steps: int = 300
    batch: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    seed: int = 1


_DISTILLED: Final = Recipe("distilled")

CANDIDATES: Final[tuple[Recipe, ...]] = (
    _DISTILLED,
    replace(_DISTILLED, name="distilled, half of the way", way=0.5),
    replace(_DISTILLED, name="distilled without hybrids", hybrids=0.0),
    replace(_DISTILLED, name="distilled without hybrids, half of the way", hybrids=0.0, way=0.5),
    replace(_DISTILLED, name="distilled, contrastive", same_track=0.3, same_album=0.3),
    replace(_DISTILLED, name="distilled, contrastive, half of the way", same_track=0.3, same_album=0.3, way=0.5),
    replace(_DISTILLED, name="distilled, three blocks", frozen=2),
    replace(_DISTILLED, name="distilled, three blocks, half of the way", frozen=2, way=0.5),
)

PROJECTION_ONLY: Final = replace(_DISTILLED, name="projection only", frozen=LAYERS)
"""Not to choose: it tells how much of the gain is the network's."""
