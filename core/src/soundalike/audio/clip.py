"""Cutting a preview out of a music file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile

from soundalike.audio.decode import read_passage
from soundalike.audio.excerpt_bounds import LISTENED, ExcerptRule
from soundalike.audio.pcm_segment import average
from soundalike.audio.sniff import AudioKind

if TYPE_CHECKING:
    from pathlib import Path

CUT_KIND: Final = AudioKind.FLAC
"""What `cut` returns: lossless, so that the extractor hears what the file holds."""

_MOST_FLAC_CHANNELS: Final = 8


def cut(source: bytes | Path, rule: ExcerptRule = LISTENED) -> bytes:
    """Cut 30 s out of a recording (from its middle where it is longer than 35 s) as FLAC.

    Rate and channels stay, depth is 16 bits (24 where the source has more). The same rule hears the same part of the
    cut as of the whole recording. Raises as `audio.decode.decode`.
    """
    passage = read_passage(source, rule)
    frames = passage.frames
    if frames.shape[1] > _MOST_FLAC_CHANNELS:
        frames = average(frames)[:, np.newaxis]
    # Lossy files decode to peaks above full scale. The network does not hear gain, but it would hear clipping.
    peak = float(np.abs(frames).max())
    if peak > 1.0:
        frames = frames / np.float32(peak)
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, passage.rate, format="FLAC", subtype="PCM_24" if passage.bits > 16 else "PCM_16")
    return buffer.getvalue()
