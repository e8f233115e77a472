"""Reading by libsndfile: fast, and exact where it seeks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

import soundfile

from audio.errors import Undecodable
from audio.passage import Passage, check_layout
from audio.sniffing import AudioKind, declares_mp3_length

if TYPE_CHECKING:
    from audio.excerpt import ExcerptRule

_DEEP: Final = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_24", "ALAC_32"})

_SHORTENED_WAV: Final = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_LENGTHS: Final = frozenset({0, 0x7FFF_FFFF, 0xFFFF_FFFF})


def read_by_sndfile(stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> Passage:
    """Read the stretch that `rule` asks for (see `audio.passage.Reader`)."""
    if kind is AudioKind.MP3 and not declares_mp3_length(stream):
        raise Undecodable("libsndfile cannot tell how long it is")
    try:
        with soundfile.SoundFile(stream) as sound:
            check_layout(sound.samplerate, sound.channels)
            total = _frames_declared(sound)
            span = rule.span(total, sound.samplerate)
            if span.start:
                sound.seek(min(span.start, sound.frames))
            frames = sound.read(len(span), dtype="float32", always_2d=True)
            return Passage(
                frames=frames,
                rate=sound.samplerate,
                frames_declared=len(span),
                seconds_total=total / sound.samplerate,
                bits=24 if sound.subtype in _DEEP else 16,
            )
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise Undecodable(f"libsndfile cannot read it ({str(error).strip().rstrip('.')})") from error


def _frames_declared(sound: soundfile.SoundFile) -> int:
    """Count the frames that the file claims to have; of a WAV cut short libsndfile counts those that are left."""
    shortened = _SHORTENED_WAV.search(sound.extra_info)
    if shortened and int(shortened[2]) and int(shortened[1]) not in _UNKNOWN_LENGTHS:
        return int(sound.frames) * int(shortened[1]) // int(shortened[2])
    return int(sound.frames)
