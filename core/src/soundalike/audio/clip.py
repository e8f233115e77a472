"""A preview of a music file: its excerpts, and nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from soundalike.audio.clip_format import pack
from soundalike.audio.decode import decode
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.audio.sniff import AudioKind

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.audio.recording import Milliseconds

CLIP_KIND: Final = AudioKind.WAV
"""What `encode_clip` returns: float samples, so that a clip decodes to exactly those of the whole file."""


def encode_clip(
    source: bytes | Path | BinaryIO, rule: ExcerptRule = DEFAULT_RULE, segment: Milliseconds | None = None
) -> bytes:
    """Return the excerpts of a recording, or of a segment of it, as a file (`audio.clip_format`).

    `audio.decode.decode` makes of it what it makes of the recording, and raises the same errors.
    """
    return pack(decode(source, rule, segment))
