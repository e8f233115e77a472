"""Which tracks a crawl leaves as they are, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from soundalike.crawler.stats import Fate
from soundalike.db.tracks import State

if TYPE_CHECKING:
    from soundalike.db.tracks import TrackStatus

TO_BE_FORGOTTEN: Final = "to be forgotten"
RETRY_MISSING: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is tried again: what was rejected if asked to, and a missing preview after a time or at another provider.

    `providers` are those that would be asked now.
    """

    retry_rejected: bool = False
    retry_missing: bool = False
    missing_for: timedelta = RETRY_MISSING
    providers: frozenset[str] = frozenset()

    def passes_over(self, standing: TrackStatus | None) -> tuple[Fate, str] | None:
        """Tell how a track counts that needs nothing done, and why; None for one that is owed."""
        if standing is None or standing.state is State.FORGOTTEN:
            return Fate.SKIPPED, TO_BE_FORGOTTEN
        if standing.has_embedding:
            return Fate.SKIPPED, "heard already"
        if standing.state is State.QUEUED:
            return Fate.SKIPPED, "on its way already"
        if standing.state is State.REJECTED and not self.retry_rejected:
            return Fate.SKIPPED, "rejected before (--retry-rejected tries again)"
        if standing.state is State.NO_PREVIEW and self._stays_missing(standing):
            return Fate.NO_PREVIEW, f"none when last looked for; again after {self.missing_for.days} days"
        return None

    def _stays_missing(self, standing: TrackStatus) -> bool:
        if self.retry_missing or standing.preview_searched_at is None or self.providers - standing.providers:
            return False
        return datetime.now(UTC) < standing.preview_searched_at + self.missing_for
