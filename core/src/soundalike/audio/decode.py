"""Any recording to mono at 12 kHz."""

from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import soxr

from soundalike.audio import clip_format
from soundalike.audio.errors import Silent, TooShort, Truncated, Undecodable
from soundalike.audio.excerpt import RATE, AudioExcerpts
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.audio.excerpt_selection import MIN_COMPLETE_SHARE, MIN_SECONDS, PcmExcerpts, select
from soundalike.audio.mixdown import mix_down
from soundalike.audio.recording import Milliseconds, content_of, openers_of, part_of
from soundalike.audio.silence import SILENCE_RMS, sounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from soundalike.audio.sniff import AudioKind


__all__ = ["MIN_SECONDS", "SILENCE_RMS", "decode", "read_excerpts", "resample"]

MAX_RMS: Final = 2.0**31
"""32-bit integers stored as floats reach this; anything louder is damage and overflows the network."""


def decode(
    source: bytes | Path | BinaryIO,
    rule: ExcerptRule = DEFAULT_RULE,
    segment: Milliseconds | None = None,
    *,
    accepts_beginning: bool = False,
) -> AudioExcerpts:
    """Decode the excerpts that `rule` selects of `source`, or of a segment of it, to mono at 12 kHz.

    The source is a file's content, its path, or a seekable stream of it, which is left open; of a clip
    (`audio.clip_format`) the excerpts are those that it holds.
    Channels are mixed (`audio.mixdown`), then resampled by soxr HQ; both affect the embedding. A recording shorter than
    `rule.seconds` is returned as it is; repeating or padding it is left to the caller.
    With `accepts_beginning` the source may end early: of its excerpts those that it has are enough, or else its first.
    Raises `NotAudio`, `Protected`, `Undecodable`, `Truncated`, `TooShort`, `Silent`, and `OSError` for a path that
    cannot be read.
    """
    with _open(source) as stream:
        clip = clip_format.unpack(stream)
        if clip is not None:
            _check([excerpt[:, np.newaxis] for excerpt in clip.separate()], clip.rate)
            return clip
        pcm = _read_excerpts(stream, rule, segment, accepts_beginning=accepts_beginning)
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


def _read_excerpts(
    stream: BinaryIO, rule: ExcerptRule, segment: Milliseconds | None, *, accepts_beginning: bool = False
) -> PcmExcerpts:
    content, kind = content_of(stream)
    pcm = _read_first_complete(content, kind, rule, segment, accepts_beginning=accepts_beginning)
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
    stream: BinaryIO, kind: AudioKind, rule: ExcerptRule, segment: Milliseconds | None, *, accepts_beginning: bool
) -> PcmExcerpts:
    """Try the libraries in order; a file that any of them can read is accepted."""
    failures: list[Undecodable] = []
    best: PcmExcerpts | None = None
    for open_file in openers_of(kind):
        stream.seek(0)
        try:
            with open_file(stream, kind) as file:
                pcm = select(file, rule, part_of(file, segment), accepts_beginning=accepts_beginning)
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


@contextmanager
def _open(source: bytes | Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source
