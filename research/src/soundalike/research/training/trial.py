"""Judging recipes on albums that their networks never heard.

The corpus is divided into parts by album. Recipes are chosen by networks that learnt from two parts and are judged on
a third; the chosen one then learns from all parts but the last, which is looked at once. Every part is the last one
in turn, so the numbers pool all albums, each judged by a network that never heard it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from soundalike.research.training.album_precision import average_precisions
from soundalike.research.training.crops import FROZEN
from soundalike.research.training.recipes import PROJECTION_ONLY
from soundalike.research.training.student_fit import fit
from soundalike.research.training.training_set import hear_crops
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.research.training.recipes import Recipe
    from soundalike.research.training.student import Student
    from soundalike.research.training.student_fit import Fitted
    from soundalike.research.training.training_set import Lessons
    from soundalike.similarity.projection import Projection

    Depths = Mapping[int, Lessons]

CHOI_CLIPS = "choi-2017, half-whitened on clips"
CHOI_CROPS = "choi-2017, half-whitened on crops"
CHOI_RAW = "choi-2017, raw"
CHOI_LEARNT = "choi-2017, projection learnt"
OURS_CLIPS = "soundalike-1, half-whitened on clips"
OURS_CROPS = "soundalike-1, half-whitened on crops"
OURS_LEARNT = "soundalike-1, projection learnt"


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
    depths: Depths,
    part: NDArray[np.int64],
    tell: Callable[[str], None],
) -> list[Validation]:
    """Fit every recipe to every two parts and judge it on each of the others."""
    lessons = depths[FROZEN]
    found = []
    parts = range(int(part.max()) + 1)
    for learnt in combinations(parts, 2):
        baseline = half_whitening(lessons.choi[_in(part, learnt)]).apply(lessons.choi_clips)
        whole_ways: dict[Recipe, Fitted] = {}
        for recipe in recipes:
            whole_way = replace(recipe, name="", way=1.0)
            if whole_way not in whole_ways:
                whole_ways[whole_way] = _fit(whole_way, choi, depths, part, learnt)
            embedded = _project(whole_ways[whole_way].part_of(recipe.way), depths[recipe.frozen])
            for judged in sorted(set(parts) - set(learnt)):
                tracks = np.flatnonzero(part == judged)
                albums = lessons.albums[tracks]
                precision = float(np.nanmean(average_precisions(embedded[tracks], albums)))
                reference = float(np.nanmean(average_precisions(baseline[tracks], albums)))
                found.append(Validation(recipe.name, learnt, judged, precision, reference))
                tell(
                    f"learnt from parts {learnt[0] + 1} and {learnt[1] + 1}, judged on {judged + 1}: "
                    f"{precision - reference:+.4f} {recipe.name}"
                )
    for recipe in recipes:
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
    depths: Depths,
    part: NDArray[np.int64],
    tell: Callable[[str], None],
) -> Verdicts:
    """Let the recipe that is best without a part learn from the other parts, and judge it on that part, once."""
    lessons = depths[FROZEN]
    verdicts = Verdicts()
    for last in range(int(part.max()) + 1):
        others = tuple(sorted({int(number) for number in part} - {last}))
        learnt, tracks = _in(part, others), np.flatnonzero(part == last)
        recipe = choose(recipes, found, without=last)
        fitted = _fit(recipe, choi, depths, part, others).part_of(recipe.way)
        tell(f"part {last + 1}: {recipe.name}")
        verdicts.losses[f"without part {last + 1}"] = fitted.losses
        clips = hear_crops(fitted.student, lessons.clips, np.arange(len(part)))[:, 0]
        crops = hear_crops(fitted.student, lessons.crops, learnt)
        control = _fit(PROJECTION_ONLY, choi, depths, part, others)
        systems = {
            CHOI_RAW: lessons.choi_clips,
            CHOI_CLIPS: half_whitening(lessons.choi_clips[learnt]).apply(lessons.choi_clips),
            CHOI_CROPS: half_whitening(lessons.choi[learnt]).apply(lessons.choi_clips),
            CHOI_LEARNT: _project(control, depths[PROJECTION_ONLY.frozen]),
            OURS_CLIPS: half_whitening(clips[learnt]).apply(clips),
            OURS_CROPS: half_whitening(crops).apply(clips),
            OURS_LEARNT: fitted.projection.apply(clips),
        }
        for name, vectors in systems.items():
            alone = average_precisions(vectors[tracks], lessons.albums[tracks])
            verdicts.put(name, tracks, len(part), alone)
            everywhere = average_precisions(vectors, lessons.albums)[tracks]
            verdicts.put(f"{name} (among all tracks)", tracks, len(part), everywhere)
    return verdicts


def depths_for(recipes: Sequence[Recipe], choi: Student, lessons: Lessons) -> Depths:
    """Return `lessons` as the first block that learns is given them, for every number of frozen blocks that is used."""
    numbers = {FROZEN, PROJECTION_ONLY.frozen, *(recipe.frozen for recipe in recipes)}
    return {number: lessons.from_block(choi, number) if number > FROZEN else lessons for number in sorted(numbers)}


def _fit(recipe: Recipe, choi: Student, depths: Depths, part: NDArray[np.int64], learnt: tuple[int, ...]) -> Fitted:
    lessons = depths[recipe.frozen]
    hybrids = np.flatnonzero(np.isin(lessons.hybrids.part, learnt))
    return fit(recipe, choi, lessons, _in(part, learnt), hybrids)


def _in(part: NDArray[np.int64], chosen: tuple[int, ...]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(part, chosen))


def _project(fitted: Fitted, lessons: Lessons) -> NDArray[np.float32]:
    clips = hear_crops(fitted.student, lessons.clips, np.arange(len(lessons.albums)))[:, 0]
    return fitted.projection.apply(clips)


def half_whitening(vectors: NDArray[np.float32]) -> Projection:
    """Fit z-scores, principal components and half-whitening to vectors [..., 160]: what the platform does to any."""
    projection: Projection = EmbeddingProjection().fit(vectors.reshape(-1, vectors.shape[-1])).projection_
    return projection
