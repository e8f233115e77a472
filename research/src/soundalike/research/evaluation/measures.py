"""The measures of a system: one number per track, and how they become one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.research.evaluation import distortions, summaries

if TYPE_CHECKING:
    from soundalike.research.evaluation.summaries import Summary

TOP: Final = 10
"""Length of the lists that are recommended."""


@dataclass(frozen=True, slots=True)
class Measure:
    """`key` in the JSON, `title` in tables, its summary over tracks, and which direction is better."""

    key: str
    title: str
    summary: Summary
    larger_is_better: bool = True
    decimals: int = 3


RETRIEVAL: Final = (
    Measure("map", "MAP", summaries.mean),
    Measure("map_of_albums", "MAP, albums equal", summaries.mean_of_clusters),
    Measure("map_artist", "MAP artist", summaries.mean),
    Measure("p_at_1", "P@1", summaries.mean),
    Measure("p_at_5", "P@5", summaries.mean),
    Measure("p_at_10", "P@10", summaries.mean),
    Measure("ndcg_at_10", "nDCG@10", summaries.mean),
)
"""How early the other tracks of an album are ranked."""

HUBNESS: Final = (
    Measure("n10_skewness", "skew of N10", summaries.skewness, larger_is_better=False, decimals=2),
    Measure("n10_largest", "largest N10", summaries.largest, larger_is_better=False, decimals=0),
    Measure("never_recommended", "never recommended", summaries.mean, larger_is_better=False),
    Measure("coverage_at_10", "coverage@10", summaries.mean),
)
"""Whether few tracks are recommended for everything, and others for nothing."""

ROBUSTNESS: Final = tuple(
    measure
    for version in distortions.DISTORTIONS
    for measure in (
        Measure(f"{version}_first", f"{version} first", summaries.mean),
        Measure(f"{version}_rank", f"{version} rank", summaries.median, larger_is_better=False, decimals=0),
    )
)
"""Whether a distorted version of a recording finds the recording itself."""

ALL: Final = (*RETRIEVAL, *HUBNESS, *ROBUSTNESS)
