"""Judging recipes on albums that their networks never heard.

The corpus is divided into parts by album. Recipes are chosen by networks that learnt from two parts and are judged on
a third; the chosen one then learns from all parts but the last, which is looked at once. Every part is the last one
in turn, so the numbers pool all albums, each judged by a network that never heard it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from features.embedding_projection import EmbeddingProjection
from training.fitting import fit
from training.judging import average_precisions
from training.lessons import hear_crops
from training.recipes import PROJECTION_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from features.projection import Projection
    from training.fitting import Fitted
    from training.lessons import Lessons
    from training.recipes import Recipe
    from training.student import Student

CHOI_CLIPS = "choi-2017, half-whitened on clips"
CHOI_CROPS = "choi-2017, half-whitened on crops"
CHOI_RAW = "choi-2017, raw"
CHOI_LEARNT = "choi-2017, projection learnt"
OURS_HALF_WHITENED = "soundalike-1, half-whitened on crops"
OURS = "soundalike-1"


@dataclass(slots=True, eq=False)
class Verdicts:
    """For each system the average precision of every track, float64 [n], NaN where it was not judged."""

    of: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def put(self, system: str, tracks: NDArray[np.int64], count: int, precisions: NDArray[np.float64]) -> None:
        """Note what was found for some tracks."""
        self.of.setdefault(system, np.full(count, np.nan))[tracks] = precisions


@dataclass(frozen=True, slots=True)
class Validation:
    """The mean average precision of one recipe on part `judged`, learnt from the parts `learnt`, and Choi's there."""

    recipe: str
    learnt: tuple[int, ...]
    judged: int
    precision: float
    baseline: float


def validate(
    recipes: Sequence[Recipe],
    choi: Student,
    lessons: Lessons,
    part: NDArray[np.int64],
    tell: Callable[[str], None],
) -> list[Validation]:
    """Fit every recipe to every two parts and judge it on each of the others."""
    found = []
    parts = range(int(part.max()) + 1)
    for recipe in recipes:
        for learnt in combinations(parts, 2):
            fitted = _fit(recipe, choi, lessons, part, learnt)
            embedded = _project(fitted, lessons)
            baseline = _half_whitened(lessons.choi, lessons.choi_clips, _in(part, learnt))
            for judged in sorted(set(parts) - set(learnt)):
                tracks = np.flatnonzero(part == judged)
                albums = lessons.albums[tracks]
                precision = float(np.nanmean(average_precisions(embedded[tracks], albums)))
                reference = float(np.nanmean(average_precisions(baseline[tracks], albums)))
                found.append(Validation(recipe.name, learnt, judged, precision, reference))
            tell(f"{recipe.name}, learnt from parts {learnt[0] + 1} and {learnt[1] + 1}")
        gains = [one.precision - one.baseline for one in found if one.recipe == recipe.name]
        tell(f"validation, {recipe.name}: {np.mean(gains):+.4f} against Choi's over {len(gains)} parts")
    return found


def choose(recipes: Sequence[Recipe], found: Sequence[Validation], without: int | None = None) -> Recipe:
    """Return the recipe with the best mean gain in validations that part `without` had nothing to do with."""
    gains = {
        recipe.name: np.mean(
            [
                one.precision - one.baseline
                for one in found
                if one.recipe == recipe.name and without not in {*one.learnt, one.judged}
            ]
        )
        for recipe in recipes
    }
    return max(recipes, key=lambda recipe: gains[recipe.name])


def judge(
    recipes: Sequence[Recipe],
    found: Sequence[Validation],
    choi: Student,
    lessons: Lessons,
    part: NDArray[np.int64],
    tell: Callable[[str], None],
) -> Verdicts:
    """Let the recipe that is best without a part learn from the other parts, and judge it on that part, once."""
    verdicts = Verdicts()
    for last in range(int(part.max()) + 1):
        others = tuple(sorted({int(number) for number in part} - {last}))
        learnt, tracks = _in(part, others), np.flatnonzero(part == last)
        recipe = choose(recipes, found, without=last)
        fitted = _fit(recipe, choi, lessons, part, others)
        tell(f"part {last + 1}: {recipe.name}")
        verdicts.losses[f"without part {last + 1}"] = fitted.losses
        clips = hear_crops(fitted.student, lessons.clips, np.arange(len(part)))[:, 0]
        crops = hear_crops(fitted.student, lessons.crops, learnt)
        control = _fit(PROJECTION_ONLY, choi, lessons, part, others)
        systems = {
            CHOI_RAW: lessons.choi_clips,
            CHOI_CLIPS: _half_whitened(lessons.choi_clips[:, np.newaxis], lessons.choi_clips, learnt),
            CHOI_CROPS: _half_whitened(lessons.choi, lessons.choi_clips, learnt),
            CHOI_LEARNT: _project(control, lessons),
            OURS_HALF_WHITENED: EmbeddingProjection().fit(crops.reshape(-1, crops.shape[-1])).projection_.apply(clips),
            OURS: fitted.projection.apply(clips),
        }
        for name, vectors in systems.items():
            alone = average_precisions(vectors[tracks], lessons.albums[tracks])
            verdicts.put(name, tracks, len(part), alone)
            everywhere = average_precisions(vectors, lessons.albums)[tracks]
            verdicts.put(f"{name} (among all tracks)", tracks, len(part), everywhere)
    return verdicts


def _fit(recipe: Recipe, choi: Student, lessons: Lessons, part: NDArray[np.int64], learnt: tuple[int, ...]) -> Fitted:
    hybrids = np.flatnonzero(np.isin(lessons.hybrids.part, learnt))
    return fit(recipe, choi, lessons, _in(part, learnt), hybrids)


def _in(part: NDArray[np.int64], chosen: tuple[int, ...]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(part, chosen))


def _project(fitted: Fitted, lessons: Lessons) -> NDArray[np.float32]:
    clips = hear_crops(fitted.student, lessons.clips, np.arange(len(lessons.albums)))[:, 0]
    return fitted.projection.apply(clips)


def _half_whitened(
    fitted_on: NDArray[np.float32], vectors: NDArray[np.float32], tracks: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Project `vectors` [n, 160] as crops [n, k, 160] of `tracks` say."""
    projection: Projection = EmbeddingProjection().fit(fitted_on[tracks].reshape(-1, vectors.shape[-1])).projection_
    return projection.apply(vectors)
