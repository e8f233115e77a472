"""The systems that are compared, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import resources
from typing import TYPE_CHECKING, Final

from soundalike.extractor import statistics, weights
from soundalike.extractor.errors import ExtractorError
from soundalike.extractor.model import Model
from soundalike.extractor.models import choi_2017, soundalike_1
from soundalike.research.evaluation.errors import UnknownSystem, UnusableModel
from soundalike.research.evaluation.extractors import Extractor, MfccStatistics, NetworkVector, RandomVector
from soundalike.research.evaluation.projection_fit import Fit, as_shipped, half_whitened
from soundalike.research.evaluation.tag_fusion import TagFusion, tags_alone
from soundalike.similarity.builtin import builtin_projection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from soundalike.extractor.models.soundalike_1 import ModelParts
    from soundalike.extractor.weights import TagHead, Weights
    from soundalike.research.evaluation.tag_fusion import TagScale

ALWAYS: Final = ("random", "mfcc", "mfcc-projected", "choi-clip", "choi-fixed", "choi-projected", "choi-shipped")
"""Always in the table."""

OWN: Final = "soundalike-1"
"""In the table too, where the extractor comes with it."""

PROJECTED: Final = "-projected"
SHIPPED: Final = "-shipped"

_OWN_SAYS: Final = "the network that was trained in this project"

REFERENCE: Final = "choi-projected"
ALL: Final = "all"


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """An extractor, and what is fitted to its vectors before they are compared by cosine (nothing: they stay raw).

    `learnt` tells that a part of it comes with the platform and was learnt from music (see `learnt_from`).
    """

    name: str
    extractor: Extractor
    fit: Fit | None
    says: str
    learnt: bool = False


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model under a name of its own: what `training` wrote (`.npz`), or weights as published and `statistics`."""

    name: str
    weights: Path
    statistics: Path | None = None

    def load(self) -> Model:
        """Read the files; raises `UnusableModel`."""
        try:
            content = self.weights.read_bytes()
            if self.statistics is None:
                return _model(soundalike_1.parse(content))
            given = weights.parse(content)
            fixed = statistics.parse(self.statistics.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ExtractorError) as error:
            raise UnusableModel(f"model {self.name}: {error}") from error
        if fixed.weights_sha256 != given.sha256:
            raise UnusableModel(
                f"model {self.name}: {self.statistics.name} was measured for the weights {fixed.weights_sha256[:8]}, "
                f"not for {given.sha256[:8]}"
            )
        return Model(given, fixed)

    def __str__(self) -> str:
        files = [self.weights.name, *([] if self.statistics is None else [self.statistics.name])]
        return f"{self.name}={','.join(files)}"

    def says(self) -> str:
        """Name the files without their folders."""
        return self.weights.name if self.statistics is None else f"{self.weights.name} with {self.statistics.name}"


class Registry:
    """Makes systems by name, each model loaded when a system first needs it."""

    def __init__(self, choi_weights: Path | None = None, models: Sequence[ModelFiles] = ()) -> None:
        self._choi_weights = choi_weights
        self._makers: dict[str, Callable[[], System]] = {
            "random": lambda: System("random", RandomVector(), None, "chance"),
            **_pair("mfcc", MfccStatistics, "mean and deviation of 20 MFCCs"),
            "choi-clip": lambda: System("choi-clip", self._clip, None, "Choi's network as published, each clip alone"),
            "choi-fixed": lambda: System("choi-fixed", self._fixed, None, "Choi's network with fixed statistics"),
            "choi-projected": lambda: System("choi-projected", self._fixed, half_whitened, "the same, half-whitened"),
            "choi-shipped": lambda: _shipped("choi-shipped", self._fixed),
        }
        if released_with_package():
            self._makers |= {
                OWN: lambda: System(OWN, self._own, None, _OWN_SAYS, learnt=True),
                OWN + PROJECTED: lambda: System(
                    OWN + PROJECTED, self._own, half_whitened, "the same, half-whitened", learnt=True
                ),
                OWN + SHIPPED: lambda: _shipped(OWN + SHIPPED, self._own),
            }
        for files in models:
            made = _pair(files.name, partial(_of_files, files), files.says())
            if taken := sorted(made.keys() & self._makers.keys()):
                raise UnknownSystem(f"there is already a system called {taken[0]}; give the model another name")
            self._makers |= made
        self._makers |= {
            "choi-tags": self._tags("choi-tags", "root", "the 50 tags of Choi's network, roots of their probabilities"),
            "choi-tags-z": self._tags("choi-tags-z", "z", "its 50 tags, z-scores"),
            "choi-projected+tags": self._fusion("choi-projected+tags", "root", "choi-projected and roots of the tags"),
            "choi-projected+tags-z": self._fusion("choi-projected+tags-z", "z", "choi-projected and z-scores of them"),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Every system there is."""
        return tuple(self._makers)

    @property
    def usual(self) -> tuple[str, ...]:
        """What is always in the table."""
        own = (OWN, OWN + PROJECTED, OWN + SHIPPED)
        return (*ALWAYS, *(name for name in own if name in self._makers))

    def choose(self, names: Sequence[str]) -> list[System]:
        """Make the systems of these names, or of all; raises `UnknownSystem`, `UnusableModel`, `ExtractorError`."""
        wanted = self.names if ALL in names else tuple(dict.fromkeys(names))
        if unknown := [name for name in wanted if name not in self._makers]:
            raise UnknownSystem(f"there is no system {unknown[0]!r}; choose among {', '.join(self.names)}, {ALL}")
        return [self._makers[name]() for name in wanted]

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
        return NetworkVector(_model(soundalike_1.load_builtin()))

    def _head(self) -> TagHead:
        if self._weights.tags is None:
            raise UnusableModel("these weights have no tags")
        return self._weights.tags

    def _tags(self, name: str, scale: TagScale, says: str) -> Callable[[], System]:
        return lambda: System(name, self._fixed, tags_alone(self._head(), scale), says)

    def _fusion(self, name: str, scale: TagScale, says: str) -> Callable[[], System]:
        return lambda: System(name, self._fixed, TagFusion(self._head(), scale), says)


def released_with_package() -> bool:
    """Tell whether the platform's own network comes with the installed extractor."""
    return resources.files("soundalike.extractor.models").joinpath("data", soundalike_1.FILE).is_file()


def _pair(name: str, make: Callable[[], Extractor], says: str) -> dict[str, Callable[[], System]]:
    """Return the makers of a system with raw vectors and one with projected ones, which share their extractor."""
    extractor = cache(make)
    return {
        name: lambda: System(name, extractor(), None, says),
        name + PROJECTED: lambda: System(name + PROJECTED, extractor(), half_whitened, f"{says}, half-whitened"),
    }


def _shipped(name: str, network: NetworkVector) -> System:
    projection = builtin_projection(network.id)
    if projection is None:
        raise UnusableModel(f"the platform ships no projection for {network.id}")
    return System(
        name, network, as_shipped(projection), "the same, by the projection that the platform ships", learnt=True
    )


def _model(found: ModelParts) -> Model:
    return Model(found.weights, found.statistics)


def _of_files(files: ModelFiles) -> Extractor:
    return NetworkVector(files.load())
