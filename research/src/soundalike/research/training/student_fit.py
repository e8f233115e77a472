"""The fit of the student, and of a projection with it, to a training set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import nn

from soundalike.extractor.architecture import DIMENSIONS
from soundalike.research.training.losses import contrastive_loss, neighbourhood_loss, unit_length
from soundalike.research.training.student import Student
from soundalike.research.training.training_set import vectors
from soundalike.similarity.projection import Projection
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from soundalike.research.training.recipes import Recipe
    from soundalike.research.training.training_set import TrainingSet

_RIDGE: Final = 100.0
_CROPS_PER_TRACK: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class FittedStudent:
    """A student and the projection trained with it, both before and after training, and the loss at every step."""

    student: Student
    projection: Projection
    losses: tuple[float, ...]
    initial_student: Student
    initial_projection: Projection

    def interpolate(self, way: float) -> FittedStudent:
        """Interpolate between the initial (0) and the trained (1) student."""
        first, last = self.initial_projection, self.projection
        between = first.components + way * (last.components - first.components)
        return replace(
            self,
            student=self.initial_student.interpolate(self.student, way),
            projection=_as_projection(last.mean, last.scale, between),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Crops first, in pairs of one track, then hybrids: inputs, targets, and groups of track and album."""

    early: NDArray[np.float32]
    values: NDArray[np.float16]
    teacher: Tensor
    choi: Tensor
    track: Tensor
    album: Tensor


class _Sampler:
    """Draws batches from some tracks of a training set, small albums more often than in proportion to their size."""

    def __init__(
        self, training_set: TrainingSet, tracks: NDArray[np.int64], hybrids: NDArray[np.int64], recipe: Recipe
    ) -> None:
        self._training_set, self._tracks, self._hybrids = training_set, tracks, hybrids
        self._random = np.random.default_rng(recipe.seed)
        _, self._numbers = np.unique(training_set.albums[tracks], return_inverse=True)
        odds = 1.0 / np.sqrt(np.bincount(self._numbers)[self._numbers])
        self._odds = odds / odds.sum()
        self._hybrid_count = min(round(recipe.batch * recipe.hybrids), len(hybrids))
        self._track_count = min((recipe.batch - self._hybrid_count) // _CROPS_PER_TRACK, len(tracks))
        teacher = training_set.crops.teacher[tracks].reshape(-1, training_set.crops.teacher.shape[-1])
        self._mean, self._scale = teacher.mean(axis=0), teacher.std(axis=0) + 1e-3
        self.whitening = EmbeddingProjection().fit(training_set.choi[tracks].reshape(-1, DIMENSIONS)).projection_

    def standardise(self, teacher: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the teacher's means with the mean 0 and the deviation 1 that they have over the tracks."""
        return np.asarray((teacher - self._mean) / self._scale, dtype=np.float32)

    def draw(self, device: Any) -> _Batch:
        """Draw two crops of each of some tracks, and hybrids."""
        selected = self._random.choice(len(self._tracks), self._track_count, replace=False, p=self._odds)
        count = self._training_set.crops.early.shape[1]
        crop_numbers = np.concatenate([self._random.choice(count, _CROPS_PER_TRACK, replace=False) for _ in selected])
        rows = np.repeat(self._tracks[selected], _CROPS_PER_TRACK), crop_numbers
        hybrid_rows = self._random.choice(self._hybrids, self._hybrid_count, replace=False)
        crops, hybrids = self._training_set.crops, self._training_set.hybrids
        teacher = np.concatenate([crops.teacher[rows], hybrids.teacher[hybrid_rows]])
        choi = self.whitening.apply(
            np.concatenate([self._training_set.choi[rows], self._training_set.choi_hybrids[hybrid_rows]])
        )
        return _Batch(
            early=np.concatenate([crops.early[rows], hybrids.early[hybrid_rows]]),
            values=np.concatenate([crops.values[rows], hybrids.values[hybrid_rows]]),
            teacher=torch.from_numpy(self.standardise(teacher)).to(device),
            choi=torch.from_numpy(choi).to(device),
            track=torch.from_numpy(np.repeat(selected, _CROPS_PER_TRACK)).to(device),
            album=torch.from_numpy(np.repeat(self._numbers[selected], _CROPS_PER_TRACK)).to(device),
        )


def fit(
    recipe: Recipe, start: Student, training_set: TrainingSet, tracks: NDArray[np.int64], hybrids: NDArray[np.int64]
) -> FittedStudent:
    """Train on `tracks` and `hybrids` (indices) alone; the others are not used.

    `training_set` is the input of block `recipe.frozen`.
    `recipe.way` is left to `FittedStudent.interpolate`, so that recipes that differ in nothing else share one training.
    """
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = Student(list(start.kernels), list(start.shifts)).to(device)
    sampler = _Sampler(training_set, tracks, hybrids, recipe)
    whitening = sampler.whitening
    mean, scale = whitening.mean, whitening.scale
    centre, spread = (torch.from_numpy(np.array(part, dtype=np.float32)).to(device) for part in (mean, scale))
    rotation = whitening.components / whitening.eigenvalues[:, np.newaxis] ** whitening.exponent
    projection = nn.Parameter(torch.from_numpy(rotation.astype(np.float32)).to(device))
    readout = nn.Parameter(
        torch.from_numpy(_initial_readout(sampler, training_set, tracks, student, mean, scale)).to(device)
    )
    trained = [*list(student.kernels)[recipe.frozen :], *list(student.shifts)[recipe.frozen :]]
    optimiser = torch.optim.AdamW(
        [*trained, projection, readout], lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.2
    )
    losses = []
    for _ in range(recipe.steps):
        batch = sampler.draw(device)
        standardised = (vectors(student, batch.early, batch.values) - centre) / spread
        loss = _loss(recipe, batch, standardised, projection, readout)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    trained_rows = projection.detach().cpu().numpy()
    return FittedStudent(
        student.cpu(),
        _as_projection(mean, scale, trained_rows),
        tuple(losses),
        start,
        _as_projection(mean, scale, rotation),
    )


def _loss(recipe: Recipe, batch: _Batch, standardised: Tensor, projection: Tensor, readout: Tensor) -> Any:
    loss = standardised.new_zeros(())
    if recipe.features:
        loss = loss + recipe.features * (standardised @ readout - batch.teacher).square().mean()
    embedded = unit_length(standardised @ projection.T)
    if recipe.neighbours:
        share = recipe.choi_share
        target = torch.cat([(1.0 - share) ** 0.5 * unit_length(batch.teacher), share**0.5 * batch.choi], dim=1)
        loss = loss + recipe.neighbours * neighbourhood_loss(embedded, target, recipe.temperature)
    crops = embedded[: len(batch.track)]
    if recipe.same_track:
        loss = loss + recipe.same_track * contrastive_loss(crops, batch.track, recipe.temperature)
    if recipe.same_album:
        loss = loss + recipe.same_album * contrastive_loss(crops, batch.album, recipe.temperature)
    return loss


def _first_crop_vectors(student: Student, training_set: TrainingSet, tracks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one vector a track, float32 [n, 160]."""
    with torch.inference_mode():
        groups = np.array_split(tracks, -(-len(tracks) // 32))
        embedded = [
            vectors(student, training_set.crops.early[group, 0], training_set.crops.values[group, 0])
            for group in groups
        ]
    return np.asarray(torch.cat(embedded).cpu().numpy(), dtype=np.float32)


def _initial_readout(
    sampler: _Sampler,
    training_set: TrainingSet,
    tracks: NDArray[np.int64],
    student: Student,
    mean: NDArray[np.floating],
    scale: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Return the linear map [160, 753] to the teacher's means that is best before any training (ridge regression)."""
    inputs = (_first_crop_vectors(student, training_set, tracks) - mean) / scale
    targets = sampler.standardise(training_set.crops.teacher[tracks, 0])
    solved = np.linalg.solve(inputs.T @ inputs + _RIDGE * np.eye(DIMENSIONS), inputs.T @ targets)
    return np.asarray(solved, dtype=np.float32)


def _as_projection(
    mean: NDArray[np.floating], scale: NDArray[np.floating], components: NDArray[np.floating]
) -> Projection:
    ones = np.ones(len(components))
    # The whitening is in the rows already; the exponent is that of the fitted projections.
    return Projection(mean=mean, scale=scale, components=components, eigenvalues=ones, exponent=0.25)  # type: ignore[arg-type]
