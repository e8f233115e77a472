"""The network that was trained in this project, `soundalike-1`: a file of plain arrays that comes with the package."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.extractor.architecture import CHANNELS, LAYERS, TAGS, kernel_shape
from soundalike.extractor.errors import WeightsDamaged, WeightsUnavailable
from soundalike.extractor.statistics import Statistics
from soundalike.extractor.tagger import MeanTagProbabilities
from soundalike.extractor.weights import Layer, TagHead, Weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FILE: Final = "soundalike-1.npz"
_NAME: Final = "soundalike-1"
_CORPUS: Final = "the albums that it was trained on"
_COMMAND: Final = "make train"


@dataclass(frozen=True, slots=True, eq=False)
class ModelParts:
    """The parts of a model, trained together."""

    weights: Weights
    statistics: Statistics
    mean_tag_probabilities: MeanTagProbabilities


def load_builtin() -> ModelParts:
    """Return the network that comes with this package; raises `WeightsUnavailable`, `WeightsDamaged`."""
    try:
        content = resources.files("soundalike.extractor.models").joinpath("data", FILE).read_bytes()
    except FileNotFoundError as error:
        raise WeightsUnavailable(
            f"this package was built without {FILE}; install one that has it, or use MODEL=choi-2017"
        ) from error
    return parse(content)


def parse(content: bytes) -> ModelParts:
    """Read the .npz file that `research.training` writes; raises `WeightsDamaged`.

    It holds `kernel0` to `kernel4` float32 [3, 3, in, 32] as TensorFlow correlates them; `bias`, `gamma`, `beta`, and
    the fixed statistics `mean` and `variance`, float32 [5, 32] each; `tag_kernel` [32, 50] and `tag_bias` [50]; and
    `mean_tag_probabilities` [50], the mean probability of each tag; `clips` is how much music the statistics are of.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, AttributeError) as error:
        raise WeightsDamaged(f"{FILE} is not a file of arrays: {error}") from error
    per_layer = {
        name: _array(arrays, name, (LAYERS, CHANNELS)) for name in ("bias", "gamma", "beta", "mean", "variance")
    }
    tag_means = _array(arrays, "usual_tags", (TAGS,))
    if not (per_layer["variance"] > 0).all() or not ((tag_means >= 0) & (tag_means <= 1)).all():
        raise WeightsDamaged(f"{FILE} has a variance that is not positive, or a mean tag probability outside 0 to 1")
    digest = hashlib.sha256(content).hexdigest()
    layers = tuple(
        Layer(
            kernel=_array(arrays, f"kernel{number}", kernel_shape(number)),
            bias=per_layer["bias"][number],
            gamma=per_layer["gamma"][number],
            beta=per_layer["beta"][number],
        )
        for number in range(LAYERS)
    )
    head = TagHead(_array(arrays, "tag_kernel", (CHANNELS, TAGS)), _array(arrays, "tag_bias", (TAGS,)))
    clips = int(arrays["clips"]) if "clips" in arrays else 0
    statistics = Statistics(
        per_layer["mean"], per_layer["variance"], digest, clips=clips, corpus=_CORPUS, command=_COMMAND
    )
    return ModelParts(
        Weights(layers, digest, tags=head, name=_NAME),
        statistics,
        MeanTagProbabilities(tag_means, digest, statistics.sha256, clips=clips, corpus=_CORPUS, command=_COMMAND),
    )


def _array(arrays: Mapping[str, NDArray[np.generic]], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if name not in arrays:
        raise WeightsDamaged(f"{FILE} lacks {name}")
    array = arrays[name].astype(np.float32)
    if array.shape != shape:
        raise WeightsDamaged(f"{name} in {FILE} has shape {array.shape} instead of {shape}")
    if not np.isfinite(array).all():
        raise WeightsDamaged(f"{name} in {FILE} has values that are not finite")
    return array
