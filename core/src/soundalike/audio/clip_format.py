"""The file that carries the excerpts of a recording: a WAV of floats with a chunk of its own in front.

The chunk, not the length, tells it from any other WAV: a clip is taken as it is, and no rule is applied to it again.
"""

from __future__ import annotations

import math
import struct
from typing import BinaryIO, Final

import numpy as np

from soundalike.audio.errors import Undecodable
from soundalike.audio.excerpt import RATE, AudioExcerpts

_VERSION: Final = 1
_CHUNK_ID: Final = b"excs"
_RIFF: Final = struct.Struct("<4sI4s")
_CHUNK: Final = struct.Struct("<4sI")
_HEAD: Final = struct.Struct("<HHId")
"""Version, how many excerpts, samples a second, seconds of the recording; the samples of each excerpt follow."""

_FORMAT: Final = struct.Struct("<HHIIHHH")
_REST_BYTES: Final = 3 * _CHUNK.size + _FORMAT.size + 4
"""Of the chunks behind the first, without the samples."""

_FLOATS: Final = 3
_SAMPLE_BYTES: Final = 4
_MAX_EXCERPTS: Final = 8
_MAX_EXCERPT_SECONDS: Final = 30


def pack(excerpts: AudioExcerpts) -> bytes:
    """Return the file that `unpack` reads, which any player plays."""
    content = excerpts.samples.astype("<f4", copy=False).tobytes()
    form = _FORMAT.pack(_FLOATS, 1, excerpts.rate, excerpts.rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES, 0)
    chunks = b"".join(
        _CHUNK.pack(name, len(body)) + body
        for name, body in (
            (_CHUNK_ID, _describe(excerpts)),
            (b"fmt ", form),
            (b"fact", struct.pack("<I", len(excerpts.samples))),
            (b"data", content),
        )
    )
    return _RIFF.pack(b"RIFF", len(chunks) + 4, b"WAVE") + chunks


def unpack(stream: BinaryIO) -> AudioExcerpts | None:
    """Return the excerpts of a clip, None for any other file; the stream may be left anywhere.

    Raises `Undecodable` for a clip that is damaged, or of another version.
    """
    stream.seek(0)
    head = stream.read(_RIFF.size + _CHUNK.size)
    if len(head) < _RIFF.size + _CHUNK.size:
        return None
    riff, _, wave = _RIFF.unpack_from(head)
    name, length = _CHUNK.unpack_from(head, _RIFF.size)
    if (riff, wave, name) != (b"RIFF", b"WAVE", _CHUNK_ID):
        return None
    description = stream.read(min(length, _HEAD.size + 4 * _MAX_EXCERPTS))
    if len(description) != length or length < _HEAD.size:
        raise Undecodable("it is a damaged clip")
    version, count, rate, seconds_total = _HEAD.unpack_from(description)
    if version != _VERSION or rate != RATE:
        raise Undecodable(f"it is a clip of version {version} at {rate} Hz, made for another release")
    lengths = struct.unpack_from(f"<{(length - _HEAD.size) // 4}I", description, _HEAD.size)
    is_sound = (
        len(lengths) == count > 0
        and all(0 < length <= _MAX_EXCERPT_SECONDS * RATE for length in lengths)
        and math.isfinite(seconds_total)
    )
    size = _SAMPLE_BYTES * sum(lengths)
    # One byte more, so that a file that goes on is noticed.
    rest = stream.read(_REST_BYTES + size + 1) if is_sound else b""
    if len(rest) != _REST_BYTES + size:
        raise Undecodable("it is a damaged clip")
    samples = np.frombuffer(rest, "<f4", offset=_REST_BYTES).astype(np.float32, copy=False)
    return AudioExcerpts(samples, lengths, rate, seconds_total)


def _describe(excerpts: AudioExcerpts) -> bytes:
    head = _HEAD.pack(_VERSION, len(excerpts.lengths), excerpts.rate, excerpts.seconds_total)
    return head + struct.pack(f"<{len(excerpts.lengths)}I", *excerpts.lengths)
