"""What SoundCloud's API adds to the errors of `soundalike.http`."""

from __future__ import annotations

from soundalike.http.errors import ServiceRefused


class InvalidAddress(ServiceRefused, ValueError):
    """The text is no URN, number or address of SoundCloud."""


class UnreadableReply(ServiceRefused):
    """The reply has another form than SoundCloud documents."""


class PagesRepeat(ServiceRefused):
    """A page names an earlier page as the next one, so there is no last page."""
