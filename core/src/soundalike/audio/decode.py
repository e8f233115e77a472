"""Any recording to mono at 12 kHz."""

from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import soxr

from soundalike.audio.errors import NotAudio, Silent, TooShort, Truncated, Undecodable
from soundalike.audio.excerpt import RATE, AudioExcerpt
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.audio.ffmpeg import read_by_ffmpeg
from soundalike.audio.libsndfile import read_by_sndfile
from soundalike.audio.pcm_segment import downmix
from soundalike.audio.protection import check_protection
from soundalike.audio.sniff import AudioKind, locate
from soundalike.audio.substream import Substream
from soundalike.audio.wav_header import repair_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from soundalike.audio.pcm_segment import PcmSegment, Reader

__all__ = ["MIN_SECONDS", "SILENCE_RMS", "decode", "downmix", "read_segment", "resample"]

MIN_SECONDS: Final = 7.0
"""Shorter recordings are too little to compare a piece of music by."""

SILENCE_RMS: Final = 1e-4
"""-80 dB of full scale: above the noise of 16-bit dither, far below the quietest music."""

MAX_RMS: Final = 2.0**31
"""32-bit integers stored as floats reach this; anything louder is damage and overflows the network."""

MIN_COMPLETE_SHARE: Final = 0.95
"""Decoders add or drop some hundredths of a second at the ends; an interrupted download lacks more."""

_SNDFILE_KINDS: Final = frozenset(
    {
        *(AudioKind.MP3, AudioKind.OGG, AudioKind.OPUS, AudioKind.FLAC, AudioKind.WAV, AudioKind.AIFF),
        *(AudioKind.CAF, AudioKind.W64, AudioKind.AU, AudioKind.VOC),
    }
)


def decode(source: bytes | Path | BinaryIO, rule: ExcerptRule = DEFAULT_RULE) -> AudioExcerpt:
    """Decode the excerpt that `rule` selects of `source` to mono at 12 kHz.

    The source is a file's content, its path, or a seekable stream of it, which is left open.
    Channels are averaged, then resampled by soxr HQ; both affect the embedding. A recording shorter than
    `rule.seconds` is returned as it is; repeating or padding it is left to the caller.
    Raises `NotAudio`, `Protected`, `Undecodable`, `Truncated`, `TooShort`, `Silent`, and `OSError` for a path that
    cannot be read.
    """
    segment = read_segment(source, rule)
    samples = resample(downmix(segment.frames), segment.rate)[: rule.seconds * RATE]
    return AudioExcerpt(samples=samples, rate=RATE, seconds_total=segment.seconds_total)


def read_segment(source: bytes | Path | BinaryIO, rule: ExcerptRule = DEFAULT_RULE) -> PcmSegment:
    """Read and check the segment that `rule` selects, at the file's own rate and channels; raises as `decode`."""
    with _open(source) as stream:
        located = locate(stream)
        if located is None:
            raise NotAudio(_not_audio_reason(stream))
        content = Substream(stream, located.start) if located.start else stream
        check_protection(content, located.kind)
        if located.kind is AudioKind.WAV:
            content = repair_length(content)
        segment = _read_first_complete(content, located.kind, rule)
    seconds = len(segment.frames) / segment.rate
    if seconds < MIN_SECONDS:
        raise TooShort(f"the recording is {seconds:.1f} s long; at least {MIN_SECONDS:g} s are required")
    rms = float(np.sqrt(np.vdot(segment.frames, segment.frames) / segment.frames.size))
    if not rms <= MAX_RMS:
        raise Undecodable("the decoded samples are not finite numbers, or their loudness is far out of range")
    if rms < SILENCE_RMS:
        raise Silent(f"the analysed part of the recording ({seconds:.0f} s) is silent")
    return segment


def resample(mono: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Resample float32 [n] at `rate` Hz to 12 kHz by soxr HQ, the one resampler of the whole platform."""
    if rate == RATE:
        return mono
    return np.asarray(soxr.resample(mono, rate, RATE, quality="HQ"), dtype=np.float32)


def _read_first_complete(stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> PcmSegment:
    """Try the readers in order; a file that any of them can read is accepted."""
    failures: list[Undecodable] = []
    best: PcmSegment | None = None
    readers: tuple[Reader, ...] = (read_by_sndfile, read_by_ffmpeg) if kind in _SNDFILE_KINDS else (read_by_ffmpeg,)
    for reader in readers:
        stream.seek(0)
        try:
            segment = reader(stream, kind, rule)
        except Undecodable as failure:
            failures.append(failure)
            continue
        # A second reader that takes the rest of a broken file for the whole has not read more than the first.
        agrees = best is None or segment.seconds_total >= MIN_COMPLETE_SHARE * best.seconds_total
        if agrees and len(segment.frames) >= MIN_COMPLETE_SHARE * segment.frames_declared:
            return segment
        if best is None or (agrees and len(segment.frames) > len(best.frames)):
            best = segment
    if best is not None:
        raise Truncated(
            f"the file declares {best.seconds_total:.1f} s, but only {len(best.frames) / best.rate:.1f} s of the "
            f"{best.frames_declared / best.rate:.1f} s to analyse can be decoded; the file may be incomplete"
        )
    raise Undecodable(f"the file looks like {kind.extension}, but " + "; ".join(str(failure) for failure in failures))


@contextmanager
def _open(source: bytes | Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source


def _not_audio_reason(stream: BinaryIO) -> str:
    if not stream.read(1):
        return "the file is empty"
    kinds = ", ".join(kind.extension for kind in AudioKind)
    return f"the content is not audio in a supported format ({kinds})"
