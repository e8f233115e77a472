"""Any recording to mono at 12 kHz."""

from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

import numpy as np
import soxr

from soundalike.audio import clip_format
from soundalike.audio.errors import NotAudio, Silent, TooShort, Truncated, Undecodable
from soundalike.audio.excerpt import RATE, AudioExcerpts
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.audio.excerpt_selection import MIN_COMPLETE_SHARE, MIN_SECONDS, PcmExcerpts, select
from soundalike.audio.ffmpeg import open_by_ffmpeg
from soundalike.audio.libsndfile import open_by_sndfile
from soundalike.audio.mixdown import mix_down
from soundalike.audio.protection import check_protection
from soundalike.audio.silence import SILENCE_RMS, sounds
from soundalike.audio.sniff import AudioKind, locate
from soundalike.audio.substream import Substream
from soundalike.audio.wav_header import mpeg_frames, repair_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from soundalike.audio.pcm_file import Opener, PcmFile

__all__ = ["MIN_SECONDS", "SILENCE_RMS", "Milliseconds", "decode", "read_excerpts", "resample"]

Milliseconds: TypeAlias = tuple[int, int]
"""The start and the end of a segment of a file, the end not included; one behind the file's end means that end."""

MAX_RMS: Final = 2.0**31
"""32-bit integers stored as floats reach this; anything louder is damage and overflows the network."""

_SNDFILE_KINDS: Final = frozenset(
    {
        *(AudioKind.MP3, AudioKind.OGG, AudioKind.OPUS, AudioKind.FLAC, AudioKind.WAV, AudioKind.AIFF),
        *(AudioKind.CAF, AudioKind.W64, AudioKind.AU, AudioKind.VOC),
    }
)


def decode(
    source: bytes | Path | BinaryIO, rule: ExcerptRule = DEFAULT_RULE, segment: Milliseconds | None = None
) -> AudioExcerpts:
    """Decode the excerpts that `rule` selects of `source`, or of a segment of it, to mono at 12 kHz.

    The source is a file's content, its path, or a seekable stream of it, which is left open; of a clip
    (`audio.clip_format`) the excerpts are those that it holds.
    Channels are mixed (`audio.mixdown`), then resampled by soxr HQ; both affect the embedding. A recording shorter than
    `rule.seconds` is returned as it is; repeating or padding it is left to the caller.
    Raises `NotAudio`, `Protected`, `Undecodable`, `Truncated`, `TooShort`, `Silent`, and `OSError` for a path that
    cannot be read.
    """
    with _open(source) as stream:
        clip = clip_format.unpack(stream)
        if clip is not None:
            _check([excerpt[:, np.newaxis] for excerpt in clip.separate()], clip.rate)
            return clip
        pcm = _read_excerpts(stream, rule, segment)
    mono = [resample(mix_down(frames, pcm.rate), pcm.rate)[: rule.seconds * RATE] for frames in pcm.excerpts]
    samples = mono[0] if len(mono) == 1 else np.concatenate(mono)
    return AudioExcerpts(samples, tuple(map(len, mono)), RATE, pcm.seconds_total)


def read_excerpts(source: bytes | Path | BinaryIO, rule: ExcerptRule = DEFAULT_RULE) -> PcmExcerpts:
    """Read and check the excerpts that `rule` selects, at the file's own rate and channels; raises as `decode`."""
    with _open(source) as stream:
        return _read_excerpts(stream, rule, None)


def resample(mono: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Resample float32 [n] at `rate` Hz to 12 kHz by soxr HQ, the one resampler of the whole platform."""
    if rate == RATE:
        return mono
    return np.asarray(soxr.resample(mono, rate, RATE, quality="HQ"), dtype=np.float32)


def _read_excerpts(stream: BinaryIO, rule: ExcerptRule, segment: Milliseconds | None) -> PcmExcerpts:
    stream.seek(0)
    located = locate(stream)
    if located is None:
        raise NotAudio(_not_audio_reason(stream))
    content = Substream(stream, located.start) if located.start else stream
    check_protection(content, located.kind)
    kind = located.kind
    if kind is AudioKind.WAV and (frames := mpeg_frames(content)):
        kind, content = AudioKind.MP3, frames
    elif kind in {AudioKind.WAV, AudioKind.W64}:
        content = repair_length(content)
    pcm = _read_first_complete(content, kind, rule, segment)
    _check(pcm.excerpts, pcm.rate)
    return pcm


def _check(excerpts: Iterable[NDArray[np.float32]], rate: int) -> None:
    excerpts = list(excerpts)
    seconds = sum(map(len, excerpts)) / rate
    if seconds < MIN_SECONDS:
        raise TooShort(f"the recording is {seconds:.1f} s long; at least {MIN_SECONDS:g} s are required")
    loudness = [float(np.sqrt(np.vdot(frames, frames) / frames.size)) for frames in excerpts]
    if not all(rms <= MAX_RMS for rms in loudness):
        raise Undecodable("the decoded samples are not finite numbers, or their loudness is far out of range")
    if max(loudness) < SILENCE_RMS and not any(sounds(frames, rate) for frames in excerpts):
        raise Silent("the recording is silent throughout")


def _read_first_complete(
    stream: BinaryIO, kind: AudioKind, rule: ExcerptRule, segment: Milliseconds | None
) -> PcmExcerpts:
    """Try the libraries in order; a file that any of them can read is accepted."""
    failures: list[Undecodable] = []
    best: PcmExcerpts | None = None
    openers: tuple[Opener, ...] = (open_by_sndfile, open_by_ffmpeg) if kind in _SNDFILE_KINDS else (open_by_ffmpeg,)
    for open_file in openers:
        stream.seek(0)
        try:
            with open_file(stream, kind) as file:
                pcm = select(file, rule, _part(file, segment))
        except Undecodable as failure:
            failures.append(failure)
            continue
        # A second library that takes the rest of a broken file for the whole has not read more than the first.
        agrees = best is None or pcm.seconds_total >= MIN_COMPLETE_SHARE * best.seconds_total
        if agrees and pcm.is_complete:
            return pcm
        if best is None or (agrees and pcm.frames_read > best.frames_read):
            best = pcm
    if best is None:
        raise Undecodable(f"the file looks like {kind.extension}, but " + "; ".join(map(str, failures)))
    if best.is_usable:
        return best
    raise Truncated(
        f"the file declares {best.seconds_total:.1f} s, but only {best.frames_read / best.rate:.1f} s of the "
        f"{best.frames_declared / best.rate:.1f} s to analyse can be decoded; the file may be incomplete"
    )


def _part(file: PcmFile, segment: Milliseconds | None) -> range | None:
    if segment is None:
        return None
    start, end = (min(milliseconds * file.rate // 1000, file.frames_total) for milliseconds in segment)
    if start >= end:
        raise TooShort(f"the recording ends before the segment that begins at {segment[0] / 1000:.1f} s")
    return range(start, end)


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
