"""When a new version is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.embeddings import TailSize


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a version is due; times in seconds.

    `rows` and `share`: the tail outgrows the larger of the two, or `max_rows`, whichever is less; it is in the
    memory of every API process and searched for every query, so it must not grow with the catalogue for ever.
    `max_age_s`: a track has been in the tail for that long. `settle_s`: with few tracks, give the extractors this
    long to add more before a version is built. `busy_share`: builds because of age alone must not take more than
    this share of the time. `forget_s`: a forgotten track is never in a result, and out of the published files after
    this time.
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

    `damage` says what is wrong with its files in the bucket, None where nothing is known to be.

    `forgotten_s` is how long the oldest track that was forgotten since has been so, None where there is none.
    """

    tracks: int
    build_s: float = 0.0
    readable: bool = True
    damage: str | None = None
    forgotten_s: float | None = None


def build_reason(published: PublishedIndex | None, tail: TailSize, thresholds: Thresholds) -> str | None:
    """Return why a version is due now, or None when it is not; `published` is None while there is none.

    Besides size and age of the tail, a version is due when the tail is larger than the whole index: the projection of
    a first version, fitted on few tracks, would otherwise serve a growing catalogue until the age rule applies.
    As the index doubles each time, these builds are few, and small.
    """
    if published is None:
        is_due = tail.count > 0 and (tail.oldest_s or 0.0) >= thresholds.settle_s
        return f"first version, {tail.count} tracks" if is_due else None
    return _replacement_reason(published, thresholds) or _growth_reason(published, tail, thresholds)


def _replacement_reason(published: PublishedIndex, thresholds: Thresholds) -> str | None:
    """Return what is wrong with the published version itself."""
    if published.damage is not None:
        return f"the published version is damaged: {published.damage}"
    if not published.readable:
        return "the published version has another format"
    if published.forgotten_s is not None and published.forgotten_s > thresholds.forget_s:
        return f"a track was forgotten {published.forgotten_s:.0f} s ago and is still in the files"
    return None


def _growth_reason(published: PublishedIndex, tail: TailSize, thresholds: Thresholds) -> str | None:
    """Return why the newer tracks should be indexed."""
    if tail.count == 0 or tail.oldest_s is None:
        return None
    if tail.count > min(thresholds.max_rows, max(thresholds.share * published.tracks, thresholds.rows)):
        return f"{tail.count} tracks are newer than the {published.tracks} indexed"
    if tail.oldest_s >= max(thresholds.max_age_s, published.build_s / thresholds.busy_share):
        return f"a track has waited {tail.oldest_s:.0f} s for the index"
    if tail.count >= published.tracks and tail.oldest_s >= thresholds.settle_s:
        return f"{tail.count} newer tracks outnumber the {published.tracks} indexed"
    return None
