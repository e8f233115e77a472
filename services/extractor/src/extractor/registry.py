"""The models there are, by the name that MODEL gives."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from extractor import published, released, statistics, tagging, weights
from extractor.errors import StatisticsUnusable, WeightsUnavailable
from extractor.model import Model

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

StatisticsMode = Literal["fixed", "clip"]


class ModelName(StrEnum):
    """A model that can be chosen."""

    SOUNDALIKE_1 = "soundalike-1"
    CHOI_2017 = "choi-2017"


DEFAULT: Final = ModelName.CHOI_2017


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which model is wanted, and where the published weights are: a named file, or the folder that keeps them."""

    name: ModelName = DEFAULT
    mode: StatisticsMode = "fixed"
    choi_weights: Path | None = None
    model_cache: Path | None = None
    allow_untrained: bool = False


def load_model(choice: Choice) -> Model:
    """Load the model of a choice; raises `WeightsUnavailable`, `WeightsDamaged`, `StatisticsUnusable`."""
    match choice.name:
        case ModelName.SOUNDALIKE_1:
            return _soundalike_1(choice)
        case ModelName.CHOI_2017:
            return _choi_2017(choice)


def _soundalike_1(choice: Choice) -> Model:
    if choice.mode == "clip":
        raise StatisticsUnusable(
            f"{choice.name} was trained with fixed statistics; STATISTICS=clip goes with MODEL={ModelName.CHOI_2017}"
        )
    found = released.shipped()
    return Model(found.weights, found.statistics, found.usual_tags)


def _choi_2017(choice: Choice) -> Model:
    try:
        given = weights.parse(published.published_weights(choice.choi_weights, choice.model_cache))
    except WeightsUnavailable as error:
        # A file that was named on purpose is never replaced by chance.
        if not choice.allow_untrained or choice.choi_weights is not None:
            raise
        return _untrained(choice, error)
    if choice.mode == "clip":
        return Model(given, None)
    fixed = statistics.shipped(given)
    return Model(given, fixed, tagging.shipped(given, fixed))


def _untrained(choice: Choice, error: WeightsUnavailable) -> Model:
    log.warning("%s", error)
    given = weights.untrained()
    model = Model(given, statistics.shipped(given) if choice.mode == "fixed" else None)
    log.warning(
        "LISTENING WITH AN UNTRAINED NETWORK (%s): good for trying the platform out, not for judging music. Its "
        "vectors are kept apart from those of the trained one.",
        model.id,
    )
    return model
