"""What is chosen on validation albums, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the student is asked for, and how long and fast it learns.

    `features`: to let the teacher's means be read off by a linear map; `neighbours`: to have the neighbours that the
    teacher's and Choi's vectors together have (`choi_share` of the cosine is Choi's); `same_track`, `same_album`: to
    bring together what belongs together. `hybrids` is the share of every batch that nobody recorded. `start` is what
    the trained blocks begin as; with `learn_network` off only the projection is learnt.
    """

    name: str
    features: float = 1.0
    neighbours: float = 1.0
    same_track: float = 0.0
    same_album: float = 0.0
    choi_share: float = 0.4
    temperature: float = 0.1
    hybrids: float = 0.5
    start: Literal["choi", "random"] = "choi"
    learn_network: bool = True
    steps: int = 300
    batch: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    seed: int = 1


_DISTILLED: Final = Recipe("distilled")

CANDIDATES: Final[tuple[Recipe, ...]] = (
    _DISTILLED,
    replace(_DISTILLED, name="distilled without hybrids", hybrids=0.0),
    replace(_DISTILLED, name="distilled, contrastive", same_track=0.3, same_album=0.3),
    replace(_DISTILLED, name="distilled from scratch", start="random", steps=600, learning_rate=3e-3),
)

PROJECTION_ONLY: Final = replace(_DISTILLED, name="projection only", learn_network=False)
"""Not to choose: it tells how much of the gain is the network's."""
