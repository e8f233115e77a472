"""Reading by libsndfile: fast, and exact where it seeks."""

from __future__ import annotations

import io
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import soundfile

from soundalike.audio.errors import Undecodable
from soundalike.audio.mpeg_frames import HEADER, Framing, declares_length, index_frames, shortest_frame
from soundalike.audio.ogg_chain import links
from soundalike.audio.pcm_segment import Passage, check_layout, with_channels
from soundalike.audio.sniff import AudioKind
from soundalike.audio.substream import Stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.audio.excerpt_bounds import ExcerptRule

_DEEP: Final = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_24", "ALAC_32"})

_SHORTENED_WAV: Final = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_SHORTENED_OTHER: Final = re.compile(r"from 'ds64' chunk of (\d+)|from 'COMM' chunk \((\d+)\) not equal")
_FROM_A_PIPE: Final = frozenset({0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, (1 << 64) - 1})
_UNKNOWN_LENGTH: Final = 1 << 62
"""libsndfile says the largest number there is where it cannot tell."""


def read_by_sndfile(stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> Passage:
    """Read the stretch that `rule` asks for (see `audio.pcm_segment.Reader`)."""
    if kind is AudioKind.MP3 and not declares_length(stream):
        return _read_bare(stream, rule)
    parts = links(stream) if kind in {AudioKind.OGG, AudioKind.OPUS} else []
    stream.seek(0)
    try:
        with ExitStack() as opened:
            if len(parts) > 1:
                views = [Stretch(stream, part.start, part.stop) for part in parts]
                return _read([opened.enter_context(soundfile.SoundFile(view)) for view in views], rule)
            return _read([opened.enter_context(soundfile.SoundFile(stream))], rule)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise Undecodable(f"libsndfile cannot read it ({_reason(error)})") from error


def _read_bare(stream: BinaryIO, rule: ExcerptRule) -> Passage:
    """Read MP3 frames that nothing counts: find them, and decode those that are wanted."""
    index = index_frames(stream, Framing.MP3)
    if not index.offsets:
        raise Undecodable("libsndfile finds no frame of sound in it")
    around = index.around(rule)
    content = index.content(stream, around)
    # By the first frame libsndfile guesses how many there are, and reads no more; of the shortest there could be most.
    part = io.BytesIO(shortest_frame(content[:HEADER]) + content)
    try:
        with soundfile.SoundFile(part) as sound:
            rate, channels = sound.samplerate, sound.channels
            check_layout(rate, channels)
            span = rule.span(round(index.seconds * rate), rate)
            begin = round((around.start - 1) * index.seconds_each * rate)
            frames = sound.read(span.stop - begin, dtype="float32", always_2d=True)[span.start - begin :]
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise Undecodable(f"libsndfile cannot read it ({_reason(error)})") from error
    return Passage(frames=frames, rate=rate, frames_declared=len(span), seconds_total=index.seconds, bits=16)


def _read(sounds: list[Any], rule: ExcerptRule) -> Passage:
    """Read from sounds that follow each other."""
    first = sounds[0]
    rate, channels = first.samplerate, first.channels
    for sound in sounds:
        check_layout(sound.samplerate, sound.channels)
    if any(sound.samplerate != rate for sound in sounds):
        raise Undecodable("its sample rate changes midway")
    lengths = [_frames_declared(sound) for sound in sounds]
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
    return Passage(
        frames=pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros((0, channels), np.float32), *pieces]),
        rate=rate,
        frames_declared=len(span),
        seconds_total=total / rate,
        bits=24 if first.subtype in _DEEP else 16,
    )


def _frames_declared(sound: Any) -> int:
    """Count the frames that the file claims to have; of one cut short libsndfile counts those that are left."""
    shortened = _SHORTENED_WAV.search(sound.extra_info)
    if shortened and int(shortened[2]):
        return int(sound.frames) * int(shortened[1]) // int(shortened[2])
    shortened = _SHORTENED_OTHER.search(sound.extra_info)
    declared = int(shortened[1] or shortened[2]) if shortened else 0
    return int(sound.frames) if declared in _FROM_A_PIPE else max(int(sound.frames), declared)


def _reason(error: Exception) -> str:
    # libsndfile's own words stand behind the name of the stream, which says nothing to anybody.
    return str(error).rpartition(">: ")[2].strip().rstrip(".")
