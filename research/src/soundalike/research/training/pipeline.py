"""The training, one stage after the other; slow stages cache their output in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.extractor import statistics
from soundalike.research.training import corpus, musicnn, spectra
from soundalike.research.training.crops import Crops, evaluation_clips, prepare_crops
from soundalike.research.training.export import export
from soundalike.research.training.mixtures import Hybrids, make_hybrids
from soundalike.research.training.recipes import CANDIDATES, Recipe
from soundalike.research.training.student import Student
from soundalike.research.training.student_fit import FittedStudent, fit
from soundalike.research.training.tag_layer import fit_tags
from soundalike.research.training.training_set import TrainingSet, embed_crops
from soundalike.research.training.trial import (
    SystemPrecisions,
    Validation,
    depths_for,
    evaluate_recipes,
    half_whitening,
    select_recipe,
    validate,
)

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
AUGMENTED_CROPS: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """The training set, the part of each track, and the network that training starts from."""

    corpus: spectra.CorpusSpectra
    training_set: TrainingSet
    part: NDArray[np.int64]
    choi: Student


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """The results on validation and held-out albums, and the network that was trained on everything.

    `projection` is half-whitening like any other model's. The one that was trained with the network ranks better on
    held-out albums of the same folder, and no better on music from elsewhere (see RESULTS.md).
    """

    validations: list[Validation]
    precisions: SystemPrecisions
    recipe: Recipe
    final: FittedStudent
    projection: Projection
    weights_file: bytes


def prepare(music: Path, work: Path, weights: Weights, hybrids: int, log: Callable[[str], None]) -> TrainingData:
    """Analyse the music in folder `music` with the teacher and the first blocks, or load what `work` has of it.

    Raises `InvalidTrainingCorpus`, `TeacherUnavailable`.
    """
    work.mkdir(parents=True, exist_ok=True)
    choi = Student.of_choi(weights, statistics.load_builtin(weights))
    teacher = musicnn.Musicnn(musicnn.read_variables(musicnn.find_checkpoint()))
    if not (file := work / "studied.npz").exists():
        analysed = spectra.analyse_tracks(music, corpus.read_tracks(music), teacher, log)
        spectra.CorpusSpectra.of(analysed).save(file)
    analysed_corpus = spectra.CorpusSpectra.load(file)
    part = corpus.divide(list(analysed_corpus.album), PARTS, DIVISION_SEED)
    if not (file := work / "crops.npz").exists():
        prepare_crops(
            analysed_corpus, choi, plain=PLAIN_CROPS, augmented=AUGMENTED_CROPS, seed=CROPS_SEED, log=log
        ).save(file)
    crops = Crops.load(file)
    if not (file := work / f"hybrids-{hybrids}.npz").exists():
        make_hybrids(analysed_corpus, part, choi, teacher, range(hybrids), seed=HYBRIDS_SEED, log=log).save(file)
    training_set = TrainingSet.of(
        crops, evaluation_clips(analysed_corpus, choi), Hybrids.load(file), analysed_corpus.album, choi
    )
    return TrainingData(analysed_corpus, training_set, part, choi)


def train(prepared: TrainingData, weights: Weights, log: Callable[[str], None]) -> TrainingResult:
    """Select on validation albums, test once on held-out albums, then train on everything."""
    depths = depths_for(CANDIDATES, prepared.choi, prepared.training_set)
    validations = validate(CANDIDATES, prepared.choi, depths, prepared.part, log)
    return finish(prepared, depths, validations, weights, log)


def finish(
    prepared: TrainingData, depths: Depths, validations: list[Validation], weights: Weights, log: Callable[[str], None]
) -> TrainingResult:
    """Test what the validations select, and train it on everything."""
    choi, training_set, part = prepared.choi, prepared.training_set, prepared.part
    precisions = evaluate_recipes(CANDIDATES, validations, choi, depths, part, log)
    recipe = select_recipe(CANDIDATES, validations)
    log(f"training on everything: {recipe.name}")
    everything = np.arange(len(part))
    final = fit(recipe, choi, depths[recipe.frozen], everything, np.arange(len(training_set.hybrids.part))).interpolate(
        recipe.way
    )
    precisions.losses["shipped"] = final.losses
    if weights.tags is None:
        raise ValueError("the initial weights have no tag layer")
    crops = embed_crops(final.student, training_set.crops, everything)
    clips = embed_crops(final.student, training_set.clips, everything)[:, 0]
    tags = fit_tags(
        crops.reshape(-1, crops.shape[-1]), training_set.choi.reshape(-1, crops.shape[-1]), weights.tags, clips
    )
    exported = export(final.student, prepared.corpus.clip)
    return TrainingResult(validations, precisions, recipe, final, half_whitening(clips), exported.to_bytes(tags))
