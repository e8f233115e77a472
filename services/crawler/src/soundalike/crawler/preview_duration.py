"""Telling by a preview's own headers whether it is as long as previews are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.audio.errors import AudioError
from soundalike.crawler.errors import PreviewUnusable

if TYPE_CHECKING:
    from soundalike.crawler.tag_reader import TagReader

MIN_DURATION_S: Final = 5.0
MAX_DURATION_S: Final = 100.0
"""Most services cut 30 s, Apple up to 90; what is longer is a whole recording, which nobody offered."""


def check_duration(data: bytes, tag_reader: TagReader) -> None:
    """Raise `PreviewUnusable` for what says that it is too short or too long; who says nothing is heard first."""
    try:
        duration_ms = tag_reader.read(data).duration_ms
    except AudioError:
        # The extractor decodes it in a confined process, too, and says what is wrong with it.
        return
    if duration_ms is None:
        return
    seconds = duration_ms / 1000
    if seconds < MIN_DURATION_S:
        raise PreviewUnusable("too short", f"it is {seconds:.1f} s long, and {MIN_DURATION_S:.0f} s are needed")
    if seconds > MAX_DURATION_S:
        raise PreviewUnusable("too long for a preview", f"it is {seconds:.0f} s long, longer than any preview")
