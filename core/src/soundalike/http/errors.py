"""How a call of a web service can fail; the type says whether another try can help."""

from __future__ import annotations

from soundalike.errors import PermanentError, SoundalikeError, TransientError


class ServiceError(SoundalikeError):
    """A service gave no answer that can be used; another try can succeed after `wait_s` seconds if that is known."""

    wait_s: float | None = None


class ServiceRefused(ServiceError, PermanentError):
    """The same request gets the same answer."""


class Missing(ServiceRefused):
    """There is nothing at the address: deleted, private, or never there."""


class NotAllowed(ServiceRefused):
    """The service does not accept the account, or not for this request."""


class TokenRejected(NotAllowed):
    """The service does not accept the access token; it may accept another."""


class ServiceUnavailable(ServiceError, TransientError):
    """The service was away, busy or answered nonsense; a later try can succeed."""

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class RateLimited(ServiceUnavailable):
    """The service got too many requests, and asks for a pause of `wait_s` seconds if that is known."""


class QuotaExhausted(RateLimited):
    """The service asks for a longer pause than a run waits; a run after `wait_s` seconds can succeed."""
