"""When a new version is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.embeddings import Tail


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What makes a version due; times in seconds.

    `rows` and `share`: the tail outgrows the larger of the two. `max_age_s`: a track waited that long in the tail.
    `settle_s`: while there is little, give the extractors this long to add more before a version is built.
    """

    rows: int = 1_000
    share: float = 0.10
    max_age_s: float = 600.0
    settle_s: float = 5.0


def due(indexed: int | None, tail: Tail, thresholds: Thresholds) -> str | None:
    """Tell why a version is due now, or None when it is not.

    `indexed` is the number of tracks in the published version, None while there is none. Beside the design's two
    rules (size and age of the tail) a version is due when the tail has outgrown the whole index: the projection of a
    first version, fitted on the few tracks there were, would otherwise serve a growing catalogue until the age rule
    helps. Doubling makes these builds few, and small.
    """
    if tail.count == 0 or tail.oldest_s is None:
        return None
    if indexed is None:
        return f"first version, {tail.count} tracks" if tail.oldest_s >= thresholds.settle_s else None
    if tail.count > max(thresholds.share * indexed, thresholds.rows):
        return f"{tail.count} tracks are newer than the {indexed} indexed"
    if tail.oldest_s >= thresholds.max_age_s:
        return f"a track has waited {tail.oldest_s:.0f} s for the index"
    if tail.count >= indexed and tail.oldest_s >= thresholds.settle_s:
        return f"{tail.count} newer tracks have outgrown the {indexed} indexed"
    return None
