"""The whole of training, one stage after the other; what takes long is kept in a folder and found there again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.extractor import statistics
from soundalike.research.training import corpus, musicnn, spectra
from soundalike.research.training.crops import Crops, judged_clips, prepare_crops
from soundalike.research.training.export import export
from soundalike.research.training.mixtures import Hybrids, breed
from soundalike.research.training.recipes import CANDIDATES, Recipe
from soundalike.research.training.student import Student
from soundalike.research.training.student_fit import Fitted, fit
from soundalike.research.training.tag_layer import fit_tags
from soundalike.research.training.training_set import Lessons, hear_crops
from soundalike.research.training.trial import Validation, Verdicts, choose, depths_for, half_whitening, judge, validate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.extractor.weights import Weights
    from soundalike.research.training.trial import Depths
    from soundalike.similarity.projection import Projection

PARTS: Final = 4
DIVISION_SEED: Final = 0
CROPS_SEED: Final = 1
HYBRIDS_SEED: Final = 7
PLAIN_CROPS: Final = 4
CHANGED_CROPS: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The lessons, the part of each track, and the network that training starts from."""

    studied: spectra.Studied
    lessons: Lessons
    part: NDArray[np.int64]
    choi: Student


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What was found on validation and on held-out albums, and the network that learnt from everything.

    `projection` is half-whitening like any other model's. The one that was learnt beside the network ranks better on
    held-out albums of the same folder, and no better on music from elsewhere (see RESULTS.md).
    """

    validations: list[Validation]
    verdicts: Verdicts
    recipe: Recipe
    final: Fitted
    projection: Projection
    weights_file: bytes


def prepare(music: Path, work: Path, weights: Weights, hybrids: int, tell: Callable[[str], None]) -> Prepared:
    """Hear the music in folder `music` through the teacher and the first blocks, or take what `work` has of it.

    Raises `UnusableCorpus`, `UnusableTeacher`.
    """
    work.mkdir(parents=True, exist_ok=True)
    choi = Student.of_choi(weights, statistics.load_builtin(weights))
    teacher = musicnn.Musicnn(musicnn.read_variables(musicnn.find_checkpoint()))
    if not (file := work / "studied.npz").exists():
        known = spectra.study(music, corpus.read_tracks(music), teacher, tell)
        spectra.Studied.of(known).save(file)
    studied = spectra.Studied.load(file)
    part = corpus.divide(list(studied.album), PARTS, DIVISION_SEED)
    if not (file := work / "crops.npz").exists():
        prepare_crops(studied, choi, plain=PLAIN_CROPS, changed=CHANGED_CROPS, seed=CROPS_SEED, tell=tell).save(file)
    crops = Crops.load(file)
    if not (file := work / f"hybrids-{hybrids}.npz").exists():
        breed(studied, part, choi, teacher, range(hybrids), seed=HYBRIDS_SEED, tell=tell).save(file)
    lessons = Lessons.of(crops, judged_clips(studied, choi), Hybrids.load(file), studied.album, choi)
    return Prepared(studied, lessons, part, choi)


def train(prepared: Prepared, weights: Weights, tell: Callable[[str], None]) -> Outcome:
    """Choose on validation albums, judge once on held-out albums, then learn from everything."""
    depths = depths_for(CANDIDATES, prepared.choi, prepared.lessons)
    validations = validate(CANDIDATES, prepared.choi, depths, prepared.part, tell)
    return conclude(prepared, depths, validations, weights, tell)


def conclude(
    prepared: Prepared, depths: Depths, validations: list[Validation], weights: Weights, tell: Callable[[str], None]
) -> Outcome:
    """Judge what the validations choose, and let it learn from everything."""
    choi, lessons, part = prepared.choi, prepared.lessons, prepared.part
    verdicts = judge(CANDIDATES, validations, choi, depths, part, tell)
    recipe = choose(CANDIDATES, validations)
    tell(f"learning from everything: {recipe.name}")
    everything = np.arange(len(part))
    final = fit(recipe, choi, depths[recipe.frozen], everything, np.arange(len(lessons.hybrids.part))).part_of(
        recipe.way
    )
    verdicts.losses["shipped"] = final.losses
    if weights.tags is None:
        raise ValueError("the weights to start from have no tagger's layer to learn from")
    crops = hear_crops(final.student, lessons.crops, everything)
    clips = hear_crops(final.student, lessons.clips, everything)[:, 0]
    tags = fit_tags(crops.reshape(-1, crops.shape[-1]), lessons.choi.reshape(-1, crops.shape[-1]), weights.tags, clips)
    exported = export(final.student, prepared.studied.clip)
    return Outcome(validations, verdicts, recipe, final, half_whitening(clips), exported.to_bytes(tags))
