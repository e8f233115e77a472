"""A preview of a music file: its excerpt, encoded as FLAC."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import soundfile

from soundalike.audio.decode import read_segment
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.audio.pcm_segment import downmix
from soundalike.audio.sniff import AudioKind

if TYPE_CHECKING:
    from pathlib import Path

CLIP_KIND: Final = AudioKind.FLAC
"""What `encode_clip` returns: lossless, so that the extractor decodes the samples that the file holds."""

_MAX_FLAC_CHANNELS: Final = 8


def encode_clip(source: bytes | Path | BinaryIO, rule: ExcerptRule = DEFAULT_RULE) -> bytes:
    """Encode 30 s of a recording (from its middle where it is longer than 35 s) as FLAC.

    Rate and channels stay, depth is 16 bits (24 where the source has more). The same rule selects the same samples of
    the clip as of the whole recording. Raises as `audio.decode.decode`.
    """
    segment = read_segment(source, rule)
    frames = segment.frames
    if frames.shape[1] > _MAX_FLAC_CHANNELS:
        frames = downmix(frames)[:, np.newaxis]
    # Lossy files decode to peaks above full scale. The embedding does not depend on gain, but it would on clipping.
    peak = float(np.abs(frames).max())
    if peak > 1.0:
        frames = frames / np.float32(peak)
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, segment.rate, format="FLAC", subtype="PCM_24" if segment.bits > 16 else "PCM_16")
    return buffer.getvalue()
