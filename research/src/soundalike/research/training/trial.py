"""Evaluation of recipes on albums that their networks were not trained on.

The corpus is divided into parts by album. Recipes are selected by networks that are trained on two parts and validated
on a third; the selected one is then trained on all parts but the last, on which it is tested once. Every part is the
last one in turn, so the numbers pool all albums, each tested with a network that was not trained on it.
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
from soundalike.research.training.training_set import embed_crops
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.research.training.recipes import Recipe
    from soundalike.research.training.student import Student
    from soundalike.research.training.student_fit import FittedStudent
    from soundalike.research.training.training_set import TrainingSet
    from soundalike.similarity.projection import Projection

    Depths = Mapping[int, TrainingSet]

CHOI_CLIPS = "choi-2017, half-whitened on clips"
CHOI_CROPS = "choi-2017, half-whitened on crops"
CHOI_RAW = "choi-2017, raw"
CHOI_TRAINED_PROJECTION = "choi-2017, projection learnt"
OURS_CLIPS = "soundalike-1, half-whitened on clips"
OURS_CROPS = "soundalike-1, half-whitened on crops"
OURS_TRAINED_PROJECTION = "soundalike-1, projection learnt"


@dataclass(slots=True, eq=False)
class SystemPrecisions:
    """For each system the average precision of every track, float64 [n], NaN where it was not tested."""

    of: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def record(self, system: str, tracks: NDArray[np.int64], count: int, precisions: NDArray[np.float64]) -> None:
        """Record the precisions of some tracks."""
        self.of.setdefault(system, np.full(count, np.nan))[tracks] = precisions


@dataclass(frozen=True, slots=True)
class Validation:
    """The mean average precision of one recipe on part `judged`, trained on `training_parts`, and Choi's there."""

    recipe: str
    training_parts: tuple[int, ...]
    judged: int
    precision: float
    baseline: float


def validate(
    recipes: Sequence[Recipe],
    choi: Student,
    depths: Depths,
    part: NDArray[np.int64],
    log: Callable[[str], None],
) -> list[Validation]:
    """Fit every recipe to every two parts and validate it on each of the others."""
    training_set = depths[FROZEN]
    validations = []
    parts = range(int(part.max()) + 1)
    for training_parts in combinations(parts, 2):
        baseline = half_whitening(training_set.choi[_tracks_in(part, training_parts)]).apply(training_set.choi_clips)
        full_fits: dict[Recipe, FittedStudent] = {}
        for recipe in recipes:
            full_recipe = replace(recipe, name="", way=1.0)
            if full_recipe not in full_fits:
                full_fits[full_recipe] = _fit(full_recipe, choi, depths, part, training_parts)
            embedded = _project(full_fits[full_recipe].interpolate(recipe.way), depths[recipe.frozen])
            for judged in sorted(set(parts) - set(training_parts)):
                tracks = np.flatnonzero(part == judged)
                albums = training_set.albums[tracks]
                precision = float(np.nanmean(average_precisions(embedded[tracks], albums)))
                reference = float(np.nanmean(average_precisions(baseline[tracks], albums)))
                validations.append(Validation(recipe.name, training_parts, judged, precision, reference))
                log(
                    f"trained on parts {training_parts[0] + 1} and {training_parts[1] + 1}, validated on {judged + 1}: "
                    f"{precision - reference:+.4f} {recipe.name}"
                )
    for recipe in recipes:
        gains = [one.precision - one.baseline for one in validations if one.recipe == recipe.name]
        log(f"validation, {recipe.name}: {np.mean(gains):+.4f} against Choi's over {len(gains)} parts")
    return validations


def select_recipe(recipes: Sequence[Recipe], validations: Sequence[Validation], without: int | None = None) -> Recipe:
    """Return the recipe with the best mean gain in the validations that do not involve part `without`."""
    gains = {
        recipe.name: np.mean(
            [
                one.precision - one.baseline
                for one in validations
                if one.recipe == recipe.name and without not in {*one.training_parts, one.judged}
            ]
        )
        for recipe in recipes
    }
    return max(recipes, key=lambda recipe: gains[recipe.name])


def evaluate_recipes(
    recipes: Sequence[Recipe],
    validations: Sequence[Validation],
    choi: Student,
    depths: Depths,
    part: NDArray[np.int64],
    log: Callable[[str], None],
) -> SystemPrecisions:
    """Train the recipe that is best without a part on the other parts, and test it on that part, once."""
    training_set = depths[FROZEN]
    precisions = SystemPrecisions()
    for last in range(int(part.max()) + 1):
        others = tuple(sorted({int(number) for number in part} - {last}))
        training_tracks, tracks = _tracks_in(part, others), np.flatnonzero(part == last)
        recipe = select_recipe(recipes, validations, without=last)
        fitted = _fit(recipe, choi, depths, part, others).interpolate(recipe.way)
        log(f"part {last + 1}: {recipe.name}")
        precisions.losses[f"without part {last + 1}"] = fitted.losses
        clips = embed_crops(fitted.student, training_set.clips, np.arange(len(part)))[:, 0]
        crops = embed_crops(fitted.student, training_set.crops, training_tracks)
        control = _fit(PROJECTION_ONLY, choi, depths, part, others)
        systems = {
            CHOI_RAW: training_set.choi_clips,
            CHOI_CLIPS: half_whitening(training_set.choi_clips[training_tracks]).apply(training_set.choi_clips),
            CHOI_CROPS: half_whitening(training_set.choi[training_tracks]).apply(training_set.choi_clips),
            CHOI_TRAINED_PROJECTION: _project(control, depths[PROJECTION_ONLY.frozen]),
            OURS_CLIPS: half_whitening(clips[training_tracks]).apply(clips),
            OURS_CROPS: half_whitening(crops).apply(clips),
            OURS_TRAINED_PROJECTION: fitted.projection.apply(clips),
        }
        for name, vectors in systems.items():
            alone = average_precisions(vectors[tracks], training_set.albums[tracks])
            precisions.record(name, tracks, len(part), alone)
            everywhere = average_precisions(vectors, training_set.albums)[tracks]
            precisions.record(f"{name} (among all tracks)", tracks, len(part), everywhere)
    return precisions


def depths_for(recipes: Sequence[Recipe], choi: Student, training_set: TrainingSet) -> Depths:
    """Return the training set as input of the first trained block, for every number of frozen blocks in use."""
    numbers = {FROZEN, PROJECTION_ONLY.frozen, *(recipe.frozen for recipe in recipes)}
    return {
        number: training_set.from_block(choi, number) if number > FROZEN else training_set for number in sorted(numbers)
    }


def _fit(
    recipe: Recipe, choi: Student, depths: Depths, part: NDArray[np.int64], training_parts: tuple[int, ...]
) -> FittedStudent:
    training_set = depths[recipe.frozen]
    hybrids = np.flatnonzero(np.isin(training_set.hybrids.part, training_parts))
    return fit(recipe, choi, training_set, _tracks_in(part, training_parts), hybrids)


def _tracks_in(part: NDArray[np.int64], chosen: tuple[int, ...]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(part, chosen))


def _project(fitted: FittedStudent, training_set: TrainingSet) -> NDArray[np.float32]:
    clips = embed_crops(fitted.student, training_set.clips, np.arange(len(training_set.albums)))[:, 0]
    return fitted.projection.apply(clips)


def half_whitening(vectors: NDArray[np.float32]) -> Projection:
    """Fit z-scores, principal components and half-whitening to vectors [..., 160], as for any model of the platform."""
    projection: Projection = EmbeddingProjection().fit(vectors.reshape(-1, vectors.shape[-1])).projection_
    return projection
