"""Reading by libsndfile: fast, and exact where it seeks."""

from __future__ import annotations

import io
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import soundfile

from soundalike.audio.errors import Undecodable
from soundalike.audio.frame_headers import HEADER_BYTES
from soundalike.audio.mpeg_frames import Framing, declares_length, index_frames, shortest_frame
from soundalike.audio.ogg_chain import links
from soundalike.audio.pcm_segment import PcmSegment, check_layout, with_channels
from soundalike.audio.sniff import AudioKind
from soundalike.audio.substream import Substream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.audio.excerpt_rule import ExcerptRule

_DEEP_SUBTYPES: Final = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_24", "ALAC_32"})

_TRUNCATED_WAV: Final = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_TRUNCATED_OTHER: Final = re.compile(r"from 'ds64' chunk of (\d+)|from 'COMM' chunk \((\d+)\) not equal")
_PLACEHOLDER_LENGTHS: Final = frozenset({0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, (1 << 64) - 1})
_UNKNOWN_LENGTH: Final = 1 << 62
"""libsndfile reports the largest number there is where it does not know."""


def read_by_sndfile(stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> PcmSegment:
    """Read the segment that `rule` selects (see `audio.pcm_segment.Reader`)."""
    if kind is AudioKind.MP3 and not declares_length(stream):
        return _read_without_length(stream, rule)
    parts = links(stream) if kind in {AudioKind.OGG, AudioKind.OPUS} else []
    stream.seek(0)
    try:
        with ExitStack() as stack:
            if len(parts) > 1:
                views = [Substream(stream, part.start, part.stop) for part in parts]
                return _read([stack.enter_context(soundfile.SoundFile(view)) for view in views], rule)
            return _read([stack.enter_context(soundfile.SoundFile(stream))], rule)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise Undecodable(f"libsndfile cannot read it ({_reason(error)})") from error


def _read_without_length(stream: BinaryIO, rule: ExcerptRule) -> PcmSegment:
    """Read an MP3 that does not declare its length: index its frames, and decode those of the segment."""
    index = index_frames(stream, Framing.MP3)
    if not index.offsets:
        raise Undecodable("libsndfile finds no audio frame in it")
    indexed = index.frames_for(rule)
    content = index.read(stream, indexed)
    # By the first frame libsndfile guesses how many there are, and reads no more; of the shortest there could be most.
    part = io.BytesIO(shortest_frame(content[:HEADER_BYTES]) + content)
    try:
        with soundfile.SoundFile(part) as sound:
            rate, channels = sound.samplerate, sound.channels
            check_layout(rate, channels)
            span = rule.span(round(index.seconds * rate), rate)
            begin = round((indexed.start - 1) * index.frame_seconds * rate)
            frames = sound.read(span.stop - begin, dtype="float32", always_2d=True)[span.start - begin :]
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise Undecodable(f"libsndfile cannot read it ({_reason(error)})") from error
    return PcmSegment(frames=frames, rate=rate, frames_declared=len(span), seconds_total=index.seconds, bits=16)


def _read(sounds: list[Any], rule: ExcerptRule) -> PcmSegment:
    """Read from the links of a chain, or from one file."""
    first = sounds[0]
    rate, channels = first.samplerate, first.channels
    for sound in sounds:
        check_layout(sound.samplerate, sound.channels)
    if any(sound.samplerate != rate for sound in sounds):
        raise Undecodable("its sample rate changes midway")
    lengths = [_declared_frames(sound) for sound in sounds]
    total = sum(lengths)
    if total >= _UNKNOWN_LENGTH:
        raise Undecodable("libsndfile cannot tell how long it is")
    span = rule.span(total, rate)
    pieces: list[NDArray[np.float32]] = []
    begin = 0
    for sound, length in zip(sounds, lengths, strict=True):
        start, stop = max(span.start - begin, 0), min(span.stop - begin, length)
        begin += length
        if start >= stop:
            continue
        if start:
            sound.seek(min(start, sound.frames))
        pieces.append(with_channels(sound.read(stop - start, dtype="float32", always_2d=True), channels))
    return PcmSegment(
        frames=pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros((0, channels), np.float32), *pieces]),
        rate=rate,
        frames_declared=len(span),
        seconds_total=total / rate,
        bits=24 if first.subtype in _DEEP_SUBTYPES else 16,
    )


def _declared_frames(sound: Any) -> int:
    """Return how many frames the file declares; of a truncated one libsndfile counts those that are left."""
    truncated = _TRUNCATED_WAV.search(sound.extra_info)
    if truncated and int(truncated[2]):
        return int(sound.frames) * int(truncated[1]) // int(truncated[2])
    truncated = _TRUNCATED_OTHER.search(sound.extra_info)
    declared = int(truncated[1] or truncated[2]) if truncated else 0
    return int(sound.frames) if declared in _PLACEHOLDER_LENGTHS else max(int(sound.frames), declared)


def _reason(error: Exception) -> str:
    # libsndfile's message follows the name of the stream, which means nothing to a user.
    return str(error).rpartition(">: ")[2].strip().rstrip(".")
