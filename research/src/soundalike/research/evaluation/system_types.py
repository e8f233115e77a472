"""What is judged: a system, or a blend of several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.research.evaluation.blend_fit import BlendBlock, BlendFit
from soundalike.research.evaluation.projection_fit import fit_half_whitening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.research.evaluation.extractors import Extractor
    from soundalike.research.evaluation.projection_fit import SpaceFit

EXCERPTS: Final = {"single": ExcerptRule(tenths=(5,)), "five": ExcerptRule(tenths=(1, 3, 5, 7, 9))}
"""Other numbers of excerpts of a long recording than the platform's three."""

RULES: Final = {1: EXCERPTS["single"], 3: DEFAULT_RULE, 5: EXCERPTS["five"]}
"""By how many excerpts any system can be judged."""


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """An extractor, and what is fitted to its vectors before they are compared by cosine (nothing: they stay raw).

    `learnt_from` names the collections of music that a part of it was trained on (see `training_overlap`).
    """

    name: str
    extractor: Extractor
    fit: SpaceFit | None
    description: str
    learnt_from: frozenset[str] = frozenset()

    @property
    def extractors(self) -> tuple[Extractor, ...]:
        """What its vector is made by."""
        return (self.extractor,)

    def fit_of(self, widths: Sequence[int]) -> SpaceFit | None:  # noqa: ARG002 - a blend needs them
        """Return what is fitted to vectors whose blocks have these widths."""
        return self.fit

    def by_excerpts(self, number: int) -> System:
        """Return the same system by another number of excerpts of a long recording (see `RULES`)."""
        if number == len(self.extractor.rule.tenths) or self.extractor.rule != DEFAULT_RULE:
            return self
        return replace(
            self,
            name=f"{self.name}@{number}",
            extractor=self.extractor.by(RULES[number]),
            description=f"{self.description}; excerpts: {number}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """The vectors of several systems side by side, each projected by itself and as long as its weight.

    A system without a projection of its own is half-whitened, on other music than it is judged on.
    """

    name: str
    blocks: tuple[tuple[System, float], ...]

    @property
    def description(self) -> str:
        """The blocks with their weights."""
        return "a blend of " + ", ".join(f"{system.name} ({weight:g})" for system, weight in self.blocks)

    @property
    def extractors(self) -> tuple[Extractor, ...]:
        """What the blocks are made by, in their order."""
        return tuple(system.extractor for system, _ in self.blocks)

    @property
    def learnt_from(self) -> frozenset[str]:
        """The collections that any of the blocks learnt from."""
        return frozenset().union(*(system.learnt_from for system, _ in self.blocks))

    def fit_of(self, widths: Sequence[int]) -> SpaceFit:
        """Return what is fitted to vectors whose blocks have these widths."""
        return BlendFit(
            tuple(
                BlendBlock(width, weight, system.fit or fit_half_whitening)
                for width, (system, weight) in zip(widths, self.blocks, strict=True)
            )
        )

    def by_excerpts(self, number: int) -> Blend:
        """Return the same blend by another number of excerpts."""
        if number == len(DEFAULT_RULE.tenths):
            return self
        blocks = tuple((system.by_excerpts(number), weight) for system, weight in self.blocks)
        return Blend(f"{self.name}@{number}", blocks)


Judged = System | Blend
