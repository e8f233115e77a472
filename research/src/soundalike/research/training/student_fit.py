"""Fitting the student, and a projection with it, to what is known of a set of tracks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import nn

from soundalike.extractor.architecture import DIMENSIONS
from soundalike.research.training.losses import neighbourhood, togetherness, unit
from soundalike.research.training.student import Student
from soundalike.research.training.training_set import vectors
from soundalike.similarity.projection import Projection
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from soundalike.research.training.recipes import Recipe
    from soundalike.research.training.training_set import Lessons

_RIDGE: Final = 100.0
_CROPS_A_TRACK: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A student with the projection learnt beside it, both before and after training, and the loss at every step."""

    student: Student
    projection: Projection
    losses: tuple[float, ...]
    beginner: Student
    first_projection: Projection

    def part_of(self, way: float) -> Fitted:
        """Go only a part of the way from the beginner to the student; 1 changes nothing."""
        first, last = self.first_projection, self.projection
        between = first.components + way * (last.components - first.components)
        return replace(
            self,
            student=self.beginner.towards(self.student, way),
            projection=_as_projection(last.mean, last.scale, between),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Crops first, in pairs of one track, then hybrids: what they sound like, what is wanted, who belongs together."""

    early: NDArray[np.float32]
    values: NDArray[np.float16]
    teacher: Tensor
    choi: Tensor
    track: Tensor
    album: Tensor


class _Sampler:
    """Draws batches from the lessons of some tracks, small albums more often than their size says."""

    def __init__(self, lessons: Lessons, tracks: NDArray[np.int64], hybrids: NDArray[np.int64], recipe: Recipe) -> None:
        self._lessons, self._tracks, self._hybrids = lessons, tracks, hybrids
        self._random = np.random.default_rng(recipe.seed)
        _, self._numbers = np.unique(lessons.albums[tracks], return_inverse=True)
        odds = 1.0 / np.sqrt(np.bincount(self._numbers)[self._numbers])
        self._odds = odds / odds.sum()
        self._hybrid_count = min(round(recipe.batch * recipe.hybrids), len(hybrids))
        self._track_count = min((recipe.batch - self._hybrid_count) // _CROPS_A_TRACK, len(tracks))
        teacher = lessons.crops.teacher[tracks].reshape(-1, lessons.crops.teacher.shape[-1])
        self._mean, self._scale = teacher.mean(axis=0), teacher.std(axis=0) + 1e-3
        self.whitening = EmbeddingProjection().fit(lessons.choi[tracks].reshape(-1, DIMENSIONS)).projection_

    def standardised(self, teacher: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the teacher's means with the mean 0 and the deviation 1 that they have over the tracks."""
        return np.asarray((teacher - self._mean) / self._scale, dtype=np.float32)

    def draw(self, device: Any) -> _Batch:
        """Draw two crops of each of some tracks, and hybrids."""
        chosen = self._random.choice(len(self._tracks), self._track_count, replace=False, p=self._odds)
        count = self._lessons.crops.early.shape[1]
        places = np.concatenate([self._random.choice(count, _CROPS_A_TRACK, replace=False) for _ in chosen])
        rows = np.repeat(self._tracks[chosen], _CROPS_A_TRACK), places
        strangers = self._random.choice(self._hybrids, self._hybrid_count, replace=False)
        crops, hybrids = self._lessons.crops, self._lessons.hybrids
        teacher = np.concatenate([crops.teacher[rows], hybrids.teacher[strangers]])
        choi = self.whitening.apply(np.concatenate([self._lessons.choi[rows], self._lessons.choi_hybrids[strangers]]))
        return _Batch(
            early=np.concatenate([crops.early[rows], hybrids.early[strangers]]),
            values=np.concatenate([crops.values[rows], hybrids.values[strangers]]),
            teacher=torch.from_numpy(self.standardised(teacher)).to(device),
            choi=torch.from_numpy(choi).to(device),
            track=torch.from_numpy(np.repeat(chosen, _CROPS_A_TRACK)).to(device),
            album=torch.from_numpy(np.repeat(self._numbers[chosen], _CROPS_A_TRACK)).to(device),
        )


def fit(
    recipe: Recipe, start: Student, lessons: Lessons, tracks: NDArray[np.int64], hybrids: NDArray[np.int64]
) -> Fitted:
    """Train on `tracks` and `hybrids` (indices) alone; nothing of the others is looked at.

    `lessons` are as block `recipe.frozen` is given them.
    `recipe.way` is left to `Fitted.part_of`, so that recipes that differ in nothing else share one training.
    """
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = Student(list(start.kernels), list(start.shifts)).to(device)
    sampler = _Sampler(lessons, tracks, hybrids, recipe)
    whitening = sampler.whitening
    mean, scale = whitening.mean, whitening.scale
    centre, spread = (torch.from_numpy(np.array(part, dtype=np.float32)).to(device) for part in (mean, scale))
    rotation = whitening.components / whitening.eigenvalues[:, np.newaxis] ** whitening.exponent
    projection = nn.Parameter(torch.from_numpy(rotation.astype(np.float32)).to(device))
    reading = nn.Parameter(torch.from_numpy(_reading(sampler, lessons, tracks, student, mean, scale)).to(device))
    learnt = [*list(student.kernels)[recipe.frozen :], *list(student.shifts)[recipe.frozen :]]
    optimiser = torch.optim.AdamW(
        [*learnt, projection, reading], lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.2
    )
    losses = []
    for _ in range(recipe.steps):
        batch = sampler.draw(device)
        standardised = (vectors(student, batch.early, batch.values) - centre) / spread
        loss = _loss(recipe, batch, standardised, projection, reading)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    learnt_rows = projection.detach().cpu().numpy()
    return Fitted(
        student.cpu(),
        _as_projection(mean, scale, learnt_rows),
        tuple(losses),
        start,
        _as_projection(mean, scale, rotation),
    )


def _loss(recipe: Recipe, batch: _Batch, standardised: Tensor, projection: Tensor, reading: Tensor) -> Any:
    loss = standardised.new_zeros(())
    if recipe.features:
        loss = loss + recipe.features * (standardised @ reading - batch.teacher).square().mean()
    embedded = unit(standardised @ projection.T)
    if recipe.neighbours:
        share = recipe.choi_share
        wanted = torch.cat([(1.0 - share) ** 0.5 * unit(batch.teacher), share**0.5 * batch.choi], dim=1)
        loss = loss + recipe.neighbours * neighbourhood(embedded, wanted, recipe.temperature)
    crops = embedded[: len(batch.track)]
    if recipe.same_track:
        loss = loss + recipe.same_track * togetherness(crops, batch.track, recipe.temperature)
    if recipe.same_album:
        loss = loss + recipe.same_album * togetherness(crops, batch.album, recipe.temperature)
    return loss


def _some_vectors(student: Student, lessons: Lessons, tracks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one vector a track, float32 [n, 160]."""
    with torch.inference_mode():
        groups = np.array_split(tracks, -(-len(tracks) // 32))
        heard = [vectors(student, lessons.crops.early[group, 0], lessons.crops.values[group, 0]) for group in groups]
    return np.asarray(torch.cat(heard).cpu().numpy(), dtype=np.float32)


def _reading(
    sampler: _Sampler,
    lessons: Lessons,
    tracks: NDArray[np.int64],
    student: Student,
    mean: NDArray[np.floating],
    scale: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Return the linear map [160, 753] by which the teacher's means are best read off before any training (ridge)."""
    given = (_some_vectors(student, lessons, tracks) - mean) / scale
    wanted = sampler.standardised(lessons.crops.teacher[tracks, 0])
    solved = np.linalg.solve(given.T @ given + _RIDGE * np.eye(DIMENSIONS), given.T @ wanted)
    return np.asarray(solved, dtype=np.float32)


def _as_projection(
    mean: NDArray[np.floating], scale: NDArray[np.floating], components: NDArray[np.floating]
) -> Projection:
    ones = np.ones(len(components))
    # Whatever whitening it does is in the rows already; the exponent is the one of the projections that are fitted.
    return Projection(mean=mean, scale=scale, components=components, eigenvalues=ones, exponent=0.25)  # type: ignore[arg-type]
