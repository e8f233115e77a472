"""Any recording to mono at 12 kHz."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import soxr

from soundalike.audio.errors import NotAudio, Silent, TooShort, Truncated, Undecodable
from soundalike.audio.excerpt import RATE, Recording
from soundalike.audio.excerpt_bounds import LISTENED, ExcerptRule
from soundalike.audio.ffmpeg import read_by_ffmpeg
from soundalike.audio.libsndfile import read_by_sndfile
from soundalike.audio.pcm_segment import average
from soundalike.audio.sniff import AudioKind, locate
from soundalike.audio.substream import Stretch
from soundalike.audio.wav_header import mended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.audio.pcm_segment import Passage, Reader

__all__ = ["SHORTEST_SECONDS", "SILENCE_RMS", "average", "decode", "read_passage", "resample"]

SHORTEST_SECONDS: Final = 7.0
"""Less than this says too little of a piece of music."""

SILENCE_RMS: Final = 1e-4
"""-80 dB of full scale: above the noise of 16-bit dither, far below the quietest music."""

LOUDEST_RMS: Final = 2.0**31
"""Integers of 32 bits stored as floats are as loud; what is louder is damage, and overflows the network."""

COMPLETE_SHARE: Final = 0.95
"""Decoders add or drop some hundredths of a second at the ends; a download that broke off lacks more."""

_BOTH: Final[tuple[Reader, ...]] = (read_by_sndfile, read_by_ffmpeg)
_READERS: Final[dict[AudioKind, tuple[Reader, ...]]] = {
    AudioKind.MP3: _BOTH,
    AudioKind.OGG: _BOTH,
    AudioKind.FLAC: _BOTH,
    AudioKind.WAV: _BOTH,
    AudioKind.AIFF: _BOTH,
    AudioKind.OPUS: _BOTH,
    AudioKind.M4A: (read_by_ffmpeg,),
    AudioKind.AAC: (read_by_ffmpeg,),
    AudioKind.WEBM: (read_by_ffmpeg,),
}


def decode(source: bytes | Path, rule: ExcerptRule = LISTENED) -> Recording:
    """Decode what `rule` hears of `source` (a file's content or its path) to mono at 12 kHz.

    Channels are averaged, then resampled by soxr HQ; both decide the vectors that come out in the end. A recording
    shorter than `rule.seconds` gives what it has, neither repeated nor filled up; that is left to who hears it.
    Raises `NotAudio`, `Undecodable`, `Truncated`, `TooShort`, `Silent`, and `OSError` for an unreadable path.
    """
    passage = read_passage(source, rule)
    samples = resample(average(passage.frames), passage.rate)[: rule.seconds * RATE]
    return Recording(samples=samples, rate=RATE, seconds_total=passage.seconds_total)


def read_passage(source: bytes | Path, rule: ExcerptRule = LISTENED) -> Passage:
    """Read the stretch that `rule` asks for at the file's own rate and channels, checked; raises as `decode`."""
    with _opened(source) as stream:
        located = locate(stream)
        if located is None:
            raise NotAudio(_what_it_is_not(stream))
        content = Stretch(stream, located.start) if located.start else stream
        if located.kind is AudioKind.WAV:
            content = mended(content)
        passage = _first_complete(content, located.kind, rule)
    seconds = len(passage.frames) / passage.rate
    if seconds < SHORTEST_SECONDS:
        raise TooShort(f"the recording is {seconds:.1f} s long; at least {SHORTEST_SECONDS:g} s are needed")
    loudness = float(np.sqrt(np.vdot(passage.frames, passage.frames) / passage.frames.size))
    if not loudness <= LOUDEST_RMS:
        raise Undecodable("it decodes to samples that are not finite numbers, or far beyond any loudness")
    if loudness < SILENCE_RMS:
        raise Silent(f"the {seconds:.0f} s that are heard of the recording are silent")
    return passage


def resample(mono: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Resample float32 [n] at `rate` Hz to 12 kHz by soxr HQ, the one resampler of the whole platform."""
    if rate == RATE:
        return mono
    return np.asarray(soxr.resample(mono, rate, RATE, quality="HQ"), dtype=np.float32)


def _first_complete(stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> Passage:
    """Ask one reader after the other; a file that only one of them can read is a good file."""
    failures: list[Undecodable] = []
    best: Passage | None = None
    for reader in _READERS[kind]:
        stream.seek(0)
        try:
            passage = reader(stream, kind, rule)
        except Undecodable as failure:
            failures.append(failure)
            continue
        # A second reader that takes what is left for the whole has found nothing that the first one missed.
        agreed = best is None or passage.seconds_total >= COMPLETE_SHARE * best.seconds_total
        if agreed and len(passage.frames) >= COMPLETE_SHARE * passage.frames_declared:
            return passage
        if best is None or (agreed and len(passage.frames) > len(best.frames)):
            best = passage
    if best is not None:
        raise Truncated(
            f"the file declares {best.seconds_total:.1f} s, but of the {best.frames_declared / best.rate:.1f} s to be "
            f"heard only {len(best.frames) / best.rate:.1f} s are in it; it may have been copied or downloaded by half"
        )
    raise Undecodable(f"it looks like {kind.extension}, but " + "; ".join(str(failure) for failure in failures))


@contextmanager
def _opened(source: bytes | Path) -> Iterator[BinaryIO]:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        yield stream


def _what_it_is_not(stream: BinaryIO) -> str:
    if not stream.read(1):
        return "the file is empty"
    kinds = ", ".join(kind.extension for kind in AudioKind)
    return f"the content is no audio that is understood ({kinds})"
