"""Which tracks a crawl leaves as they are, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from soundalike.crawler.stats import OutcomeStatus
from soundalike.db.tracks import State

if TYPE_CHECKING:
    from soundalike.db.tracks import TrackStatus

BLOCKED: Final = "forgotten on request"
NO_PREVIEW_RETRY: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CrawlPolicy:
    """What is tried again: what was rejected if asked to, and a missing preview after a time or at another provider.

    `providers` are those that would be asked now.
    """

    retry_rejected: bool = False
    retry_missing: bool = False
    no_preview_retry: timedelta = NO_PREVIEW_RETRY
    providers: frozenset[str] = frozenset()

    def skip_reason(self, standing: TrackStatus | None) -> tuple[OutcomeStatus, str] | None:
        """Tell how a track counts that needs nothing done, and why; None for one that is owed."""
        if standing is None or standing.state is State.FORGOTTEN:
            return OutcomeStatus.SKIPPED, BLOCKED
        if standing.has_embedding:
            return OutcomeStatus.SKIPPED, "already analysed"
        if standing.state is State.QUEUED:
            return OutcomeStatus.SKIPPED, "already queued"
        if standing.state is State.REJECTED and not self.retry_rejected:
            return OutcomeStatus.SKIPPED, "rejected before (--retry-rejected tries again)"
        if standing.state is State.NO_PREVIEW and self._is_preview_missing(standing):
            return OutcomeStatus.NO_PREVIEW, f"no preview found before; retried after {self.no_preview_retry.days} days"
        return None

    def _is_preview_missing(self, standing: TrackStatus) -> bool:
        if self.retry_missing or standing.preview_searched_at is None or self.providers - standing.providers:
            return False
        return datetime.now(UTC) < standing.preview_searched_at + self.no_preview_retry
