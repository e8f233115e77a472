"""What can go wrong when SoundCloud is asked; whether trying again can help is told by the type."""

from __future__ import annotations

from soundalike.errors import SoundalikeError


class ScError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class Refused(ScError):
    """Trying again with the same request gives the same answer."""


class Missing(Refused):
    """There is nothing under the address: deleted, private, or never there."""


class NotAllowed(Refused):
    """SoundCloud does not accept the account, or not for this request."""


class InvalidAddress(Refused, ValueError):
    """What was given is no URN, no number and no address of SoundCloud's."""


class UnreadableReply(Refused):
    """The reply has another form than SoundCloud documents."""


class PagesRepeat(Refused):
    """A page names one that was answered before as the next one, so there is no end to be reached."""


class Unavailable(ScError):
    """SoundCloud did not answer, or failed: trying again later can succeed."""


class Throttled(Unavailable):
    """SoundCloud asks for patience, for `seconds` where it says how long."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds
