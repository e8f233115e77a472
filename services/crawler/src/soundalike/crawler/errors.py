"""What can go wrong in a crawl; whether trying again can help is told by the type."""

from __future__ import annotations

from soundalike.errors import SoundalikeError


class CrawlerError(SoundalikeError):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class InvalidTarget(CrawlerError, ValueError):
    """The text cannot be crawled."""


class SourceError(CrawlerError):
    """A track list cannot be read any further; what was read before it counts."""


class SourceRefused(SourceError):
    """The source will give the same answer again: wrong credentials, no permission, nothing there."""


class SourceUnavailable(SourceError):
    """The source was away or answered nonsense; a later crawl can succeed."""


class QuotaExhausted(SourceUnavailable):
    """A service asks for more patience than a run has; a crawl after `wait_s` seconds, if that is known, goes on."""

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class SourceLocked(SourceError):
    """Another crawler is reading the same list at the moment."""


class PreviewError(CrawlerError):
    """There is no preview; `reason` in a few words for counting, the message with the details."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or reason)
        self.reason = reason


class PreviewMissing(PreviewError):
    """Nobody offers the preview; `providers` names the providers who said so."""

    def __init__(self, reason: str, message: str | None = None, *, providers: frozenset[str] = frozenset()) -> None:
        super().__init__(reason, message)
        self.providers = providers


class PreviewGone(PreviewMissing):
    """The address answers that nothing is there, or not for everybody; it may have expired."""


class PreviewUnusable(PreviewError):
    """What is there can never be heard."""


class PreviewUnavailable(PreviewError):
    """The preview could not be had this time; trying again can succeed, after `wait_s` seconds if that is known."""

    def __init__(self, reason: str, message: str | None = None, *, wait_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.wait_s = wait_s


class ServiceError(CrawlerError):
    """A service gave no answer that can be used."""


class ServiceRefused(ServiceError):
    """The service will give the same answer again: nothing is there, or the question is not understood."""


class ServiceUnavailable(ServiceError):
    """The service was away, busy or answered nonsense; asking again can succeed, after `wait_s` seconds if known."""

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
