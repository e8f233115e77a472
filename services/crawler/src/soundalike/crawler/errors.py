"""What can go wrong in a crawl beside the errors of `soundalike.http`; the type says whether another try can help."""

from __future__ import annotations

from soundalike.errors import SoundalikeError
from soundalike.http.errors import ServiceError, ServiceRefused, ServiceUnavailable


class CrawlerError(SoundalikeError):
    """Root of the errors of this package; the message is for a person."""


class InvalidTarget(CrawlerError, ValueError):
    """The text cannot be crawled."""


class SourceError(CrawlerError, ServiceError):
    """A track list cannot be read any further; what was read before it counts. Services add errors of their own."""


class SourceRefused(SourceError, ServiceRefused):
    """The source gives the same answer again: wrong credentials, no permission, nothing there."""


class SourceUnavailable(SourceError, ServiceUnavailable):
    """The source was away or answered nonsense; a later crawl can succeed."""


class SourceLocked(SourceError):
    """Another crawler is reading the same list at the moment."""


class PreviewError(CrawlerError):
    """There is no preview; `reason` in a few words for counting, the message with the details."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or reason)
        self.reason = reason


class PreviewMissing(PreviewError):
    """No provider offers the preview; `providers` names those that were asked."""

    def __init__(self, reason: str, message: str | None = None, *, providers: frozenset[str] = frozenset()) -> None:
        super().__init__(reason, message)
        self.providers = providers


class PreviewGone(PreviewMissing):
    """There is nothing at the address, or not for everybody; it may have expired."""


class PreviewUnusable(PreviewError):
    """The preview is no audio that can be decoded; another try gets the same."""


class PreviewUnavailable(PreviewError):
    """The preview could not be fetched; another try can succeed, after `wait_s` seconds if that is known."""

    def __init__(self, reason: str, message: str | None = None, *, wait_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.wait_s = wait_s


class CueSheetUnusable(CrawlerError):
    """A cue sheet says nothing that a file can be cut by; the message says why."""
