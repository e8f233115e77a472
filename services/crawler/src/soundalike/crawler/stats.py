"""Counting how each place of a list ended; every one ends in exactly one way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.domain.track_id import TrackId


class OutcomeStatus(StrEnum):
    """How a place of the list ended."""

    UPLOADED = "uploaded"
    SKIPPED = "skipped"
    NO_PREVIEW = "no preview"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one place: `reason` in a few words for counting, `detail` where there is more to say.

    `track` is whose row tells the same, None where there is no row; `wait_s` is the wait that a service asks for.
    One that `is_notable` is worth a line of its own.
    """

    status: OutcomeStatus
    label: str
    reason: str = ""
    detail: str = ""
    track: TrackId | None = None
    wait_s: float | None = None
    is_notable: bool = False


@dataclass(slots=True)
class CrawlStats:
    """Outcomes counted by status and reason; `ignored` counts what is no track, `started` the entries begun.

    `changes` counts what a scan of a library did, beside the outcomes.
    """

    started: int = 0
    by_reason: dict[OutcomeStatus, Counter[str]] = field(
        default_factory=lambda: {status: Counter() for status in OutcomeStatus}
    )
    ignored: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count the end of a place."""
        self.by_reason[outcome.status][outcome.reason] += 1

    def count(self, status: OutcomeStatus) -> int:
        """Return how many places ended so."""
        return self.by_reason[status].total()

    @property
    def finished(self) -> int:
        """The places that came to an end: the sum of all statuses."""
        return sum(counter.total() for counter in self.by_reason.values())

    @property
    def unfinished(self) -> int:
        """The places that were taken up and have not come to an end; 0 after a whole run."""
        return self.started - self.finished
