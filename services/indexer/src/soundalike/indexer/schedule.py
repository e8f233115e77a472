"""When a new version is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.embeddings import TailSize


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What makes a version due; times in seconds.

    `rows` and `share`: the tail outgrows the larger of the two, or `max_rows`, whichever is less; it lies in the
    memory of every API process and is compared with every query, so it may not grow with the catalogue for ever.
    `max_age_s`: a track waited that long in the tail. `settle_s`: while there is little, give the extractors this
    long to add more before a version is built. `busy_share`: builds for the sake of age alone may not take more than
    this share of the time. `forget_s`: a track that was forgotten is in no answer at once, and out of the published
    files after so long.
    """

    rows: int = 1_000
    share: float = 0.10
    max_rows: int = 20_000
    max_age_s: float = 600.0
    settle_s: float = 5.0
    busy_share: float = 0.02
    forget_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class PublishedIndex:
    """The published version: its tracks, how long it took to build, and whether this program can read it.

    `forgotten_s` is how long the oldest track that was forgotten since has been so, None where there is none.
    """

    tracks: int
    build_s: float = 0.0
    readable: bool = True
    forgotten_s: float | None = None


def build_reason(published: PublishedIndex | None, tail: TailSize, thresholds: Thresholds) -> str | None:
    """Tell why a version is due now, or None when it is not; `published` is None while there is none.

    Beside the design's two rules (size and age of the tail) a version is due when the tail has outgrown the whole
    index: the projection of a first version, fitted on the few tracks there were, would otherwise serve a growing
    catalogue until the age rule helps. Doubling makes these builds few, and small.
    """
    if published is None:
        waits = tail.count > 0 and (tail.oldest_s or 0.0) >= thresholds.settle_s
        return f"first version, {tail.count} tracks" if waits else None
    return _replacement_reason(published, thresholds) or _growth_reason(published, tail, thresholds)


def _replacement_reason(published: PublishedIndex, thresholds: Thresholds) -> str | None:
    """Tell what is wrong with the published version itself."""
    if not published.readable:
        return "the published version has a format of another program"
    if published.forgotten_s is not None and published.forgotten_s > thresholds.forget_s:
        return f"a track was forgotten {published.forgotten_s:.0f} s ago and is still in the files"
    return None


def _growth_reason(published: PublishedIndex, tail: TailSize, thresholds: Thresholds) -> str | None:
    """Tell why what is newer should be indexed, too."""
    if tail.count == 0 or tail.oldest_s is None:
        return None
    if tail.count > min(thresholds.max_rows, max(thresholds.share * published.tracks, thresholds.rows)):
        return f"{tail.count} tracks are newer than the {published.tracks} indexed"
    if tail.oldest_s >= max(thresholds.max_age_s, published.build_s / thresholds.busy_share):
        return f"a track has waited {tail.oldest_s:.0f} s for the index"
    if tail.count >= published.tracks and tail.oldest_s >= thresholds.settle_s:
        return f"{tail.count} newer tracks have outgrown the {published.tracks} indexed"
    return None
