"""The errors of SoundCloud's API; the type says whether a retry can help."""

from __future__ import annotations

from soundalike.errors import SoundalikeError


class SoundCloudApiError(SoundalikeError):
    """Root of this package's errors."""


class Refused(SoundCloudApiError):
    """Trying again with the same request gives the same answer."""


class Missing(Refused):
    """There is nothing under the address: deleted, private, or never there."""


class NotAllowed(Refused):
    """SoundCloud does not accept the account, or not for this request."""


class InvalidAddress(Refused, ValueError):
    """The text is no URN, number or address of SoundCloud."""


class UnreadableReply(Refused):
    """The reply has another form than SoundCloud documents."""


class PagesRepeat(Refused):
    """A page names an earlier page as the next one, so there is no last page."""


class Unavailable(SoundCloudApiError):
    """SoundCloud did not answer, or failed: trying again later can succeed."""


class Throttled(Unavailable):
    """SoundCloud asks to wait, for `seconds` where it says how long."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds
