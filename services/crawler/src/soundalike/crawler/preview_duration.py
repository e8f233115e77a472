"""Telling by a preview's own headers whether it is as long as previews are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import PreviewUnusable
from soundalike.crawler.music_tags import read_tags

if TYPE_CHECKING:
    from soundalike.audio.sniff import AudioKind

MIN_DURATION_S: Final = 5.0
MAX_DURATION_S: Final = 100.0
"""Most services cut 30 s, Apple up to 90; what is longer is a whole recording, which nobody offered."""


def check_duration(data: bytes, kind: AudioKind) -> None:
    """Raise `PreviewUnusable` for what says that it is too short or too long; who says nothing is heard first."""
    duration_ms = read_tags(io.BytesIO(data), kind).duration_ms
    if duration_ms is None:
        return
    seconds = duration_ms / 1000
    if seconds < MIN_DURATION_S:
        raise PreviewUnusable("too short", f"it is {seconds:.1f} s long, and {MIN_DURATION_S:.0f} s are needed")
    if seconds > MAX_DURATION_S:
        raise PreviewUnusable("too long for a preview", f"it is {seconds:.0f} s long, longer than any preview")
