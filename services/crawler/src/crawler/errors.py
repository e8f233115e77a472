"""What can go wrong in a crawl; whether trying again can help is told by the type."""

from __future__ import annotations


class CrawlerError(Exception):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class InvalidTarget(CrawlerError, ValueError):
    """The text names nothing that can be crawled."""


class SourceError(CrawlerError):
    """A track list cannot be read any further; what was read before it counts."""


class SourceRefused(SourceError):
    """The source will give the same answer again: wrong credentials, no permission, nothing there."""


class SourceUnavailable(SourceError):
    """The source was away or answered nonsense; a later crawl can succeed."""


class QuotaSpent(SourceUnavailable):
    """The source asks for more patience than a run has; a later crawl goes on."""


class PreviewError(CrawlerError):
    """There is no preview; `reason` in a few words for counting, the message with the details."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or reason)
        self.reason = reason


class PreviewMissing(PreviewError):
    """Nobody offers the preview where it should be."""


class PreviewUnusable(PreviewError):
    """What is there can never be heard."""


class PreviewUnavailable(PreviewError):
    """The preview could not be had this time; trying again can succeed."""
