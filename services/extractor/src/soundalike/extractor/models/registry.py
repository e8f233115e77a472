"""The available models, by the value of MODEL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from soundalike.extractor import statistics, tagger, weights
from soundalike.extractor.errors import StatisticsUnusable
from soundalike.extractor.model import Model
from soundalike.extractor.models import choi_2017, soundalike_1

if TYPE_CHECKING:
    from pathlib import Path

StatisticsMode = Literal["fixed", "clip"]


class ModelName(StrEnum):
    """A model that can be selected."""

    SOUNDALIKE_1 = "soundalike-1"
    CHOI_2017 = "choi-2017"


DEFAULT: Final = ModelName.SOUNDALIKE_1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The model to load, and where the published weights are: a file, or the folder that caches them."""

    name: ModelName = DEFAULT
    mode: StatisticsMode = "fixed"
    choi_weights: Path | None = None
    model_cache: Path | None = None


def load_model(choice: ModelChoice) -> Model:
    """Load the model of a choice; raises `WeightsUnavailable`, `WeightsDamaged`, `StatisticsUnusable`."""
    match choice.name:
        case ModelName.SOUNDALIKE_1:
            return _soundalike_1(choice)
        case ModelName.CHOI_2017:
            return _choi_2017(choice)


def _soundalike_1(choice: ModelChoice) -> Model:
    if choice.mode == "clip":
        raise StatisticsUnusable(
            f"{choice.name} was trained with fixed statistics; STATISTICS=clip needs MODEL={ModelName.CHOI_2017}"
        )
    parts = soundalike_1.load_builtin()
    return Model(parts.weights, parts.statistics, parts.mean_tag_probabilities)


def _choi_2017(choice: ModelChoice) -> Model:
    published = weights.parse(choi_2017.published_weights(choice.choi_weights, choice.model_cache))
    if choice.mode == "clip":
        return Model(published, None)
    fixed = statistics.load_builtin(published)
    return Model(published, fixed, tagger.load_builtin(published, fixed))
