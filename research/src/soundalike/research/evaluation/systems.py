"""The systems to compare, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundalike.extractor import statistics, weights
from soundalike.extractor.errors import ExtractorError
from soundalike.extractor.model import Model
from soundalike.extractor.models import choi_2017, soundalike_1
from soundalike.research.evaluation.blend_fit import BlendBlock, BlendFit
from soundalike.research.evaluation.descriptors import BLOCKS, PLATFORM, WIDE, Descriptors, Scale
from soundalike.research.evaluation.errors import InvalidBlend, InvalidModel, UnknownSystem
from soundalike.research.evaluation.extractors import Extractor, MfccStatistics, NetworkVector, RandomVector
from soundalike.research.evaluation.projection_fit import fit_half_whitening, fixed_projection
from soundalike.research.evaluation.system_types import EXCERPTS, Blend, System
from soundalike.research.evaluation.tag_fusion import TagFusion, fit_tags_alone
from soundalike.research.evaluation.teachers import TEACHERS
from soundalike.research.evaluation.training_overlap import FREE_GAMES, MILLION_SONGS
from soundalike.similarity.builtin import builtin_projection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soundalike.extractor.models.soundalike_1 import ModelParts
    from soundalike.extractor.weights import TagHead, Weights
    from soundalike.research.evaluation.tag_fusion import TagScale

ALWAYS: Final = (
    "random",
    "mfcc",
    "mfcc-projected",
    "descriptors",
    "choi-clip",
    "choi-fixed",
    "choi-projected",
    "choi-shipped",
)
"""Always in the table."""

OWN: Final = "soundalike-1"
"""In the table too, where the extractor comes with it."""

PROJECTED: Final = "-projected"
BUILTIN: Final = "-shipped"

_OWN_DESCRIPTION: Final = "the network that was trained in this project"

_CHOI: Final = frozenset({MILLION_SONGS})
_OWN: Final = frozenset({FREE_GAMES, MILLION_SONGS})
"""Its first blocks are Choi's."""

REFERENCE: Final = "choi-projected"
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A named model: an output of `training` (`.npz`), or published weights and `statistics`."""

    name: str
    weights: Path
    statistics: Path | None = None

    def load(self) -> Model:
        """Read the files; raises `InvalidModel`."""
        try:
            content = self.weights.read_bytes()
            if self.statistics is None:
                return _model(soundalike_1.parse(content))
            published = weights.parse(content)
            fixed = statistics.parse(self.statistics.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ExtractorError) as error:
            raise InvalidModel(f"model {self.name}: {error}") from error
        if fixed.weights_sha256 != published.sha256:
            raise InvalidModel(
                f"model {self.name}: {self.statistics.name} was measured for the weights {fixed.weights_sha256[:8]}, "
                f"not for {published.sha256[:8]}"
            )
        return Model(published, fixed)

    def __str__(self) -> str:
        files = [self.weights.name, *([] if self.statistics is None else [self.statistics.name])]
        return f"{self.name}={','.join(files)}"

    def describe(self) -> str:
        """Return the names of the files without their folders."""
        return self.weights.name if self.statistics is None else f"{self.weights.name} with {self.statistics.name}"


class Registry:
    """Creates systems by name; each model is loaded when a system first needs it."""

    def __init__(
        self, choi_weights: Path | None = None, models: Sequence[ModelFiles] = (), teachers: Path | None = None
    ) -> None:
        self._choi_weights = choi_weights
        self._makers: dict[str, Callable[[], System]] = {
            "random": lambda: System("random", RandomVector(), None, "chance"),
            **_pair("mfcc", MfccStatistics, "mean and deviation of 20 MFCCs"),
            PLATFORM.name: lambda: _descriptors(PLATFORM),
            WIDE.name: lambda: _descriptors(WIDE),
            "choi-clip": lambda: System(
                "choi-clip", self._clip, None, "Choi's network as published, each clip alone", _CHOI
            ),
            "choi-fixed": lambda: System(
                "choi-fixed", self._fixed, None, "Choi's network with fixed statistics", _CHOI
            ),
            "choi-projected": lambda: System(
                "choi-projected", self._fixed, fit_half_whitening, "the same, half-whitened", _CHOI
            ),
            "choi-shipped": lambda: _builtin("choi-shipped", self._fixed, learnt_from=_CHOI),
        }
        if has_builtin_model():
            self._makers |= {
                OWN: lambda: System(OWN, self._own, None, _OWN_DESCRIPTION, _OWN),
                OWN + PROJECTED: lambda: System(
                    OWN + PROJECTED, self._own, fit_half_whitening, "the same, half-whitened", _OWN
                ),
                OWN + BUILTIN: lambda: _builtin(OWN + BUILTIN, self._own, learnt_from=_OWN),
            }
            for name in EXCERPTS:
                self._makers |= self._own_by_excerpts(name)
        self._teachers = [] if teachers is None else [one for one in TEACHERS if (teachers / one.file).is_file()]
        for teacher in self._teachers:
            load = partial(teacher.load, teachers or Path())
            self._makers |= _pair(teacher.name, load, teacher.description, teacher.learnt_from)
        for files in models:
            pair = _pair(files.name, partial(_extractor_of_files, files), files.describe())
            if duplicates := sorted(pair.keys() & self._makers.keys()):
                raise UnknownSystem(f"there is already a system called {duplicates[0]}; give the model another name")
            self._makers |= pair
        self._makers |= {
            "choi-tags": self._tags("choi-tags", "root", "the 50 tags of Choi's network, roots of their probabilities"),
            "choi-tags-z": self._tags("choi-tags-z", "z", "its 50 tags, z-scores"),
            "choi-projected+tags": self._fusion("choi-projected+tags", "root", "choi-projected and roots of the tags"),
            "choi-projected+tags-z": self._fusion("choi-projected+tags-z", "z", "choi-projected and z-scores of them"),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all systems."""
        return tuple(self._makers)

    @property
    def default_names(self) -> tuple[str, ...]:
        """The names of the systems that are always in the table."""
        own = (OWN, OWN + PROJECTED, OWN + BUILTIN)
        teachers = (teacher.name + PROJECTED for teacher in self._teachers)
        return (*ALWAYS, *teachers, *(name for name in own if name in self._makers))

    def select(self, names: Sequence[str]) -> list[System]:
        """Return the systems of these names, or all; raises `UnknownSystem`, `InvalidModel`, `ExtractorError`."""
        selected = self.names if ALL in names else tuple(dict.fromkeys(names))
        if unknown := [name for name in selected if name not in self._makers]:
            raise UnknownSystem(f"there is no system {unknown[0]!r}; available: {', '.join(self.names)}, {ALL}")
        return [self._makers[name]() for name in selected]

    def blend(self, text: str) -> Blend:
        """Return the blend that NAME=SYSTEM:WEIGHT,SYSTEM:WEIGHT describes; raises `InvalidBlend` and as `select`."""
        name, _, blocks = text.partition("=")
        pairs = [block.rpartition(":") for block in blocks.split(",")]
        try:
            weights_of = [float(weight) for _, _, weight in pairs]
        except ValueError:
            weights_of = []
        if not name or name in self._makers or not weights_of or not all(0 < one < 1000 for one in weights_of):
            raise InvalidBlend(
                f"{text!r} must have the form NAME=SYSTEM:WEIGHT,SYSTEM:WEIGHT, with a new name and positive weights"
            )
        names = [system for system, _, _ in pairs]
        if ALL in names or len(set(names)) < len(names):
            raise InvalidBlend(f"{text!r} must name each system once")
        return Blend(name, tuple(zip(self.select(names), weights_of, strict=True)))

    @cached_property
    def _weights(self) -> Weights:
        return weights.parse(choi_2017.published_weights(self._choi_weights))

    @cached_property
    def _clip(self) -> NetworkVector:
        return NetworkVector(Model(self._weights, None))

    @cached_property
    def _fixed(self) -> NetworkVector:
        return NetworkVector(Model(self._weights, statistics.load_builtin(self._weights)))

    @cached_property
    def _own(self) -> NetworkVector:
        return NetworkVector(self._own_model)

    @cached_property
    def _own_model(self) -> Model:
        return _model(soundalike_1.load_builtin())

    def _own_by_excerpts(self, number: str) -> dict[str, Callable[[], System]]:
        name, extractor = f"{OWN}-{number}", cache(lambda: NetworkVector(self._own_model, EXCERPTS[number]))
        says = f"{OWN} by {len(EXCERPTS[number].tenths)} in place of 3 excerpts of long recordings"
        return {
            name: lambda: System(name, extractor(), None, says, _OWN),
            name + PROJECTED: lambda: System(
                name + PROJECTED, extractor(), fit_half_whitening, f"{says}, half-whitened", _OWN
            ),
            name + BUILTIN: lambda: _builtin(name + BUILTIN, extractor(), says, learnt_from=_OWN),
        }

    def _head(self) -> TagHead:
        if self._weights.tags is None:
            raise InvalidModel("these weights have no tags")
        return self._weights.tags

    def _tags(self, name: str, scale: TagScale, says: str) -> Callable[[], System]:
        return lambda: System(name, self._fixed, fit_tags_alone(self._head(), scale), says, _CHOI)

    def _fusion(self, name: str, scale: TagScale, says: str) -> Callable[[], System]:
        return lambda: System(name, self._fixed, TagFusion(self._head(), scale), says, _CHOI)


def has_builtin_model() -> bool:
    """Tell whether the platform's own network comes with the installed extractor."""
    return resources.files("soundalike.extractor.models").joinpath("data", soundalike_1.FILE).is_file()


def _descriptors(scale: Scale) -> System:
    fit = BlendFit(tuple(BlendBlock(width, weight, fit_half_whitening) for width, weight in BLOCKS.values()))
    return System(
        scale.name,
        Descriptors(scale),
        fit,
        f"classic descriptors at {scale.rate} Hz, half-whitened by blocks: "
        + ", ".join(f"{name} ({weight:g})" for name, (_, weight) in BLOCKS.items()),
    )


def _pair(
    name: str, make: Callable[[], Extractor], says: str, learnt_from: frozenset[str] = frozenset()
) -> dict[str, Callable[[], System]]:
    """Return the makers of a system with raw vectors and one with projected ones, which share their extractor."""
    extractor = cache(make)
    return {
        name: lambda: System(name, extractor(), None, says, learnt_from),
        name + PROJECTED: lambda: System(
            name + PROJECTED, extractor(), fit_half_whitening, f"{says}, half-whitened", learnt_from
        ),
    }


def _builtin(name: str, network: NetworkVector, says: str = "the same", *, learnt_from: frozenset[str]) -> System:
    projection = builtin_projection(network.model_id)
    if projection is None:
        raise InvalidModel(f"there is no built-in projection for {network.model_id}")
    return System(
        name,
        network,
        fixed_projection(projection),
        f"{says}, by the projection that the platform ships",
        learnt_from | {FREE_GAMES},
    )


def _model(parts: ModelParts) -> Model:
    return Model(parts.weights, parts.statistics)


def _extractor_of_files(files: ModelFiles) -> Extractor:
    return NetworkVector(files.load())
